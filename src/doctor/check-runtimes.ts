import { shellWord } from "../base/index.ts";
import type { Compression } from "../image/index.ts";
import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";
import { parseRuntime, type Runtime } from "./runtime.ts";

const COMMANDS = ["apptainer", "singularity", "runc", "crun", "podman"] as const;

interface FoundRuntime {
  readonly command: string;
  readonly path: string;
  /** Undefined where it does not say what it is. */
  readonly runtime: Runtime | undefined;
}

/** Which runtimes are on PATH, and whether they read what siflet makes. */
export async function checkRuntimes(
  host: Host,
  compression: Compression,
  signal: AbortSignal,
): Promise<Finding[]> {
  const found: FoundRuntime[] = [];
  for (const command of COMMANDS) {
    const path = await host.find(command);
    if (path === undefined) continue;
    const text = await host.versionOf(path, signal);
    found.push({ command, path, runtime: text === undefined ? undefined : parseRuntime(text) });
  }
  if (found.some(({ runtime }) => runtime?.reads !== undefined)) {
    return found.map((one) => findingOf(one, compression));
  }
  return [
    ...found.map((one) => findingOf(one, compression)),
    {
      topic: "runtimes",
      check: "sif-runtime",
      status: "note",
      text: "no runtime that opens SIF files is on PATH",
      remedy: "to run images on this machine, install Apptainer or SingularityCE",
    },
  ];
}

function findingOf({ command, path, runtime }: FoundRuntime, compression: Compression): Finding {
  const base = { topic: "runtimes", check: command } as const;
  if (runtime === undefined) {
    return {
      ...base,
      status: "warning",
      text: `${path} does not say which version it is`,
      remedy: `run ${shellWord(path)} --version and see what it says`,
      facts: { path },
    };
  }
  const { product, version, reads } = runtime;
  const facts = { path, product, version, reads: reads ?? null };
  const title = `${product} ${version} (${path})`;
  if (reads === undefined) {
    return { ...base, status: "ok", text: `${title}: opens no SIF files itself`, facts };
  }
  if (!reads.includes(compression)) {
    return {
      ...base,
      status: "problem",
      text: `${title} refuses ${compression}, and images are made with it`,
      remedy: "set compression: gzip in the configuration, or install Apptainer 1.4 or later",
      facts,
    };
  }
  const not = reads.includes("zstd") ? "" : ", not zstd";
  return { ...base, status: "ok", text: `${title}: reads ${reads.join(", ")}${not}`, facts };
}
