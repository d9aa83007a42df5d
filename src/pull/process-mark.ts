import { randomBytes } from "node:crypto";
import { readFile, readlink, stat } from "node:fs/promises";
import process from "node:process";
import { isErrno } from "../base/index.ts";

/** What stands for the start of a process that could not be looked at. */
const UNKNOWN_START = "0";

/** `<boot>-<process namespace>-<process>-<start>-<random>` */
const MARK = /^(?<place>[0-9a-f]{8}-[0-9]+)-(?<pid>[0-9]+)-(?<start>[0-9]+)-[0-9a-f]{12}$/;

/**
 * A part of a name that no other name has, and that tells other processes whether the one that made
 * it still runs: a process is known by its number, its start and its namespace.
 */
export async function newProcessMark(): Promise<string> {
  const start = await startOf("self");
  const random = randomBytes(6).toString("hex");
  const known = start.kind === "running" ? start.ticks : UNKNOWN_START;
  return `${await thisPlace()}-${process.pid}-${known}-${random}`;
}

/**
 * Whether the process that gave `path` its mark has ended; where that cannot be told from here,
 * whether nobody has changed the path for `maxQuietMs`.
 *
 * @param now - milliseconds since 1970
 * @returns undefined for what is no mark
 */
export async function isMarkOfDead(
  mark: string,
  path: string,
  { now, maxQuietMs }: { readonly now: number; readonly maxQuietMs: number },
): Promise<boolean | undefined> {
  const parts = MARK.exec(mark)?.groups;
  if (parts === undefined) return undefined;
  const made = parts["start"];
  if (parts["place"] === (await thisPlace()) && made !== UNKNOWN_START) {
    const start = await startOf(parts["pid"] ?? "");
    if (start.kind === "gone") return true;
    if (start.kind === "running") return start.ticks !== made;
  }
  return await isQuiet(path, now, maxQuietMs);
}

/** This boot of this machine, and the namespace in which process numbers mean what they mean here. */
async function thisPlace(): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  const namespace = await readlink("/proc/self/ns/pid");
  return `${boot.slice(0, 8)}-${/[0-9]+/.exec(namespace)?.[0] ?? "0"}`;
}

/** When a process started, in clock ticks since boot. */
type Start =
  | { readonly kind: "running"; readonly ticks: string }
  | { readonly kind: "gone" }
  /** Something kept us from looking, which says nothing about the process. */
  | { readonly kind: "unknown" };

async function startOf(pid: string): Promise<Start> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses, which may hold anything.
    const ticks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? { kind: "unknown" } : { kind: "running", ticks };
  } catch (error) {
    return { kind: isErrno(error, "ENOENT", "ESRCH") ? "gone" : "unknown" };
  }
}

async function isQuiet(path: string, now: number, maxQuietMs: number): Promise<boolean> {
  try {
    return now - (await stat(path)).mtimeMs > maxQuietMs;
  } catch {
    return false;
  }
}
