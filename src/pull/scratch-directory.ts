import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { outputError } from "./pull-error.ts";

/** A hidden directory beside a result, removed when it is disposed of. */
export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string;
}

/** `.siflet-<boot>-<process namespace>-<process>-<start>-<random>`. */
const NAME = /^\.siflet-(?<place>[0-9a-f]{8}-[0-9]+)-(?<pid>[0-9]+)-(?<start>[0-9]+)-[0-9a-f]{12}$/;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a directory for the files of one pull in `parent`, and removes what pulls that were killed
 * left there: at once where their process ran here, for a process is known by its number, its
 * start and its namespace, and after a day where that cannot be told.
 *
 * @param now - milliseconds since 1970
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function makeScratchDirectory(parent: string, now: number): Promise<ScratchDirectory> {
  try {
    const place = await thisPlace();
    await sweep(parent, place, now);
    const start = await startOf("self");
    const name = `.siflet-${place}-${process.pid}-${start ?? "0"}-${randomBytes(6).toString("hex")}`;
    const path = join(parent, name);
    await mkdir(path, { mode: 0o700 });
    return {
      path,
      async [Symbol.asyncDispose]() {
        await rm(path, { recursive: true, force: true });
      },
    };
  } catch (error) {
    throw outputError(parent, error);
  }
}

async function sweep(parent: string, place: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    const parts = NAME.exec(name)?.groups;
    if (parts === undefined) continue;
    const path = join(parent, name);
    const isDead =
      parts["place"] === place
        ? (await startOf(parts["pid"] ?? "")) !== parts["start"]
        : await isOld(path, now);
    if (isDead) await rm(path, { recursive: true, force: true });
  }
}

/** This boot of this machine, and the namespace in which process numbers mean what they mean here. */
async function thisPlace(): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  const namespace = await readlink("/proc/self/ns/pid");
  return `${boot.slice(0, 8)}-${/[0-9]+/.exec(namespace)?.[0] ?? "0"}`;
}

/** When a process started, in clock ticks since boot; undefined when there is no such process. */
async function startOf(pid: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses, which may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

async function isOld(path: string, now: number): Promise<boolean> {
  try {
    return now - (await stat(path)).mtimeMs > MAX_AGE_MS;
  } catch {
    return false;
  }
}
