import { join } from "node:path";
import {
  cacheBytes,
  cacheDirectory,
  formatOrigin,
  originOf,
  type Config,
} from "../config/index.ts";
import type { Finding } from "./finding.ts";
import { nearestPresent, type Host } from "./host.ts";

/** The cache of converted layers, and the directory for large layers where one is named. */
export async function checkDirectories(host: Host, config: Config): Promise<Finding[]> {
  const { tmpdir } = config.values;
  return [
    await cacheFinding(host, config),
    ...(tmpdir === undefined ? [] : [await tmpdirFinding(host, tmpdir, config)]),
  ];
}

async function cacheFinding(host: Host, config: Config): Promise<Finding> {
  const base = { topic: "store", check: "layer-cache" } as const;
  const directory = cacheDirectory(config);
  const size = config.values["cache.maxBytes"];
  const place = await nearestPresent(host, directory);
  const totalBytes = (await host.fileSystem(place))?.totalBytes;
  const maxBytes = totalBytes === undefined ? size.maxBytes : cacheBytes(size, totalBytes);
  const usedBytes = await bytesIn(host, directory);
  const facts = { directory, usedBytes, maxBytes };
  if (maxBytes === 0) {
    const text = "layers are not kept: each is converted again for each image that has it";
    return { ...base, status: "note", text, facts };
  }
  const text = `converted layers: ${megabytes(usedBytes)} of at most ${megabytes(maxBytes)} in ${directory}`;
  return { ...base, status: "ok", text, facts };
}

async function bytesIn(host: Host, directory: string): Promise<number> {
  let bytes = 0;
  for (const name of (await host.list(directory)) ?? []) {
    const facts = await host.facts(join(directory, name));
    if (facts?.kind === "file") bytes += facts.size;
  }
  return bytes;
}

async function tmpdirFinding(host: Host, tmpdir: string, config: Config): Promise<Finding> {
  const base = { topic: "store", check: "tmpdir", facts: { directory: tmpdir } } as const;
  const facts = await host.facts(tmpdir);
  if (facts?.kind === "directory" && (await host.mayWrite(tmpdir))) {
    return { ...base, status: "ok", text: `large layers go through ${tmpdir}` };
  }
  const origin = formatOrigin(originOf(config, "tmpdir"));
  return {
    ...base,
    status: "problem",
    text: `${tmpdir} (${origin}) is no directory that we may write`,
    remedy: "make it, or take tmpdir out of the configuration",
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
