import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { endingOf, sifletCommand, type Ending } from "./marked-siflet.ts";
import type { Place } from "./place.ts";

/** Files that SQLite alone touches, always in the same thread: the calls there can be counted. */
const DATABASES = ["siflet.db", "siflet.db.backup", "tmp/new.db", "tmp/new.backup"];
const COMPANIONS = ["", "-journal", "-wal", "-shm"];
const CALLS = [
  "openat",
  "write",
  "pwrite64",
  "fallocate",
  "ftruncate",
  "fsync",
  "fdatasync",
  "unlink",
];

/** One call of SQLite that changes a file. */
export interface SystemCallPoint {
  readonly call: string;
  /** Of all calls of that name to a database the so-manieth, from 1. */
  readonly count: number;
  readonly path: string;
}

/** Not by seccomp, which would be quicker: with paths to look at nothing is killed then. */
function tracing({ store }: Place): readonly string[] {
  const paths = DATABASES.flatMap((name) => COMPANIONS.map((end) => join(store, name + end)));
  return ["-f", "-qq", "-y", ...paths.flatMap((path) => ["-P", path])];
}

/** Runs a command undisturbed; answers the calls by which SQLite changed files. */
export async function passedCalls(
  place: Place,
  args: readonly string[],
): Promise<readonly SystemCallPoint[]> {
  const trace = join(place.directory, "trace");
  const how = [...tracing(place), "-e", `trace=${CALLS.join(",")}`, "-o", trace];
  await endingOf("strace", [...how, ...sifletCommand(place, args)], place, {});
  const counts = new Map<string, number>();
  const points: SystemCallPoint[] = [];
  for (const line of (await readFile(trace, "utf8")).split("\n")) {
    const [, call, rest] = /^[0-9]+ +(\w+)\((.*)/.exec(line) ?? [];
    if (call === undefined || rest === undefined) continue;
    const count = (counts.get(call) ?? 0) + 1;
    counts.set(call, count);
    if (call === "openat" && !rest.includes("O_CREAT")) continue;
    const path = /siflet\.db[\w.-]*|new\.[\w.-]*/.exec(rest)?.[0] ?? "";
    points.push({ call, count, path });
  }
  await rm(trace);
  return points;
}

/** Runs it with one of those calls failing, or killed in its place. */
export async function runToCall(
  place: Place,
  args: readonly string[],
  { call, count }: SystemCallPoint,
  instant: "before" | "EIO" | "ENOSPC",
): Promise<Ending> {
  const what = instant === "before" ? "signal=SIGKILL" : `error=${instant}`;
  const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:${what}:when=${count}`];
  const how = [...tracing(place), ...inject, "-o", "/dev/null"];
  return await endingOf("strace", [...how, ...sifletCommand(place, args)], place, {});
}
