import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtempDisposable,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";

import { buildImage, pushImage, run, startDockerRegistry } from "../test/real/index.ts";

const ROOT = resolve(import.meta.dirname, "..");
const USAGE = "usage: ./quickstart [REFERENCE], such as ./quickstart docker://alpine:3.22";

/** What the steps share. */
interface Tour {
  readonly store: string;
  /** `NAME=value ` for the commands that are shown; empty where the caller's own store is used. */
  readonly storePrefix: string;
  readonly signal: AbortSignal;
}

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const [reference, ...more] = args;
  if (more.length > 0 || reference?.startsWith("-") === true) throw new Error(USAGE);
  const chosen = process.env["SIFLET_STORE"];
  const own = join(ROOT, ".cache/quickstart/store");
  const tour: Tour = {
    store: chosen ?? own,
    storePrefix: chosen === undefined ? `SIFLET_STORE=${shown(own)} ` : "",
    signal,
  };
  if (reference === undefined) {
    // The registry's port differs each time: names of earlier runs would only pile up.
    if (chosen === undefined) await rm(own, { recursive: true, force: true });
    await demonstrate(tour);
  } else {
    await pullAndShow(tour, reference);
  }
}

/** Makes an image, serves it for as long as the pull takes, and shows what came of it. */
async function demonstrate(tour: Tour): Promise<void> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-quickstart-"));
  say("Making an image from Debian's busybox-static");
  const image = { layout: join(work.path, "layout"), tag: "latest" };
  await buildImage(image, [await archiveBusybox(work.path, tour.signal)], {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    cmd: ["/bin/sh"],
    env: ["PATH=/bin"],
    labels: { "org.opencontainers.image.title": "busybox of Debian" },
  });
  tour.signal.throwIfAborted();
  await using registry = await startDockerRegistry();
  const name = `${registry.host}/demo/busybox:latest`;
  say(`Pushing it to a registry of our own: ${name}`);
  await pushImage(image, name);
  await pullAndShow(tour, name);
}

/** Archives a root file system of busybox and its links, everything owned by root. */
async function archiveBusybox(work: string, signal: AbortSignal): Promise<string> {
  const root = join(work, "root");
  for (const folder of ["bin", "etc", "root", "tmp"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await chmod(join(root, "tmp"), 0o1777);
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  const applets = await run("/bin/busybox", ["--list"], { signal });
  for (const applet of applets.split("\n")) {
    if (applet !== "" && applet !== "busybox") await symlink("busybox", join(root, "bin", applet));
  }
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\n");
  const archive = join(work, "root.tar");
  const owners = ["--numeric-owner", "--owner=0", "--group=0", "--sort=name"];
  await run("tar", ["--create", "--file", archive, ...owners, "--directory", root, "."], {
    signal,
  });
  return archive;
}

async function pullAndShow(tour: Tour, reference: string): Promise<void> {
  say(`siflet pull ${reference}`);
  await siflet(tour, ["pull", reference]);
  say("siflet images");
  await siflet(tour, ["images"]);
  say(`siflet inspect ${reference}`);
  await siflet(tour, ["inspect", reference]);
  await listRoot(tour, reference);
  sayWhatNext(tour, reference);
}

/** Lists the root of the image's partition with a reader of squashfs that is not ours. */
async function listRoot(tour: Tour, reference: string): Promise<void> {
  const { signal } = tour;
  const settings = { env: { SIFLET_STORE: tour.store }, signal };
  const program = join(ROOT, "siflet");
  const inspected = await run(program, ["inspect", reference, "--json"], settings);
  const offset = partitionOffset(JSON.parse(inspected));
  const file = (await run(program, ["path", reference], settings)).trimEnd();
  say(`The root of ${shown(file)}, whose squashfs begins at byte ${offset}`);
  if ((await run("sh", ["-c", "command -v unsquashfs || true"], { signal })) === "") {
    console.log("To list it, install squashfs-tools, then: unsquashfs -ll -offset OFFSET FILE");
    return;
  }
  const options = ["-no-progress", "-ll", "-max-depth", "1", "-offset", String(offset)];
  console.log((await run("unsquashfs", [...options, file], { signal })).trim());
}

function partitionOffset(inspected: unknown): number {
  if (typeof inspected === "object" && inspected !== null && "partition" in inspected) {
    const { partition } = inspected;
    if (typeof partition === "object" && partition !== null && "offset" in partition) {
      if (typeof partition.offset === "number") return partition.offset;
    }
  }
  throw new Error("siflet inspect --json: expected partition.offset, got none");
}

function sayWhatNext(tour: Tour, reference: string): void {
  const program = shown(join(ROOT, "siflet"));
  const other = shown(join(ROOT, "quickstart"));
  console.log(`
The image is in the store ${shown(tour.store)}. Try next:
  ${tour.storePrefix}${program} export ${reference} image.sif
  ${tour.storePrefix}${program} inspect ${reference} --json
  ${other} docker://alpine:3.22`);
}

/** Runs the clone's own siflet on this terminal. */
async function siflet(tour: Tour, args: readonly string[]): Promise<void> {
  tour.signal.throwIfAborted();
  const child = spawn(join(ROOT, "siflet"), args, {
    stdio: "inherit",
    env: { ...process.env, SIFLET_STORE: tour.store },
  });
  // On Ctrl-C the terminal has told siflet already, and a second signal does no harm; what matters
  // is that siflet has cleaned up before the registry goes.
  const stop = (): void => void child.kill("SIGINT");
  tour.signal.addEventListener("abort", stop);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    tour.signal.throwIfAborted();
    if (code !== 0)
      throw new Error(`siflet ${args.join(" ")}: exit ${code ?? signal ?? "unknown"}`);
  } finally {
    tour.signal.removeEventListener("abort", stop);
  }
}

function say(text: string): void {
  console.log(`\n==> ${text}`);
}

/** A path as the caller would type it from where he stands. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  const short = near.startsWith("../") ? path : near.includes("/") ? near : `./${near}`;
  return /^[\w./-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`;
}

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    interrupted.abort();
  });
}
try {
  await main(process.argv.slice(2), interrupted.signal);
} catch (error) {
  // On Ctrl-C the programs that ran here were told as well: what they say then is no failure.
  if (!interrupted.signal.aborted) {
    console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
