/**
 * Loaded into a real `siflet` before its own code, in every one of its threads: each call that changes
 * files below `MARKS_ROOT` is a mark. They are written down (`MARKS_LOG`), or at one of them the process
 * is killed or the call fails (`MARKS_FAULT`).
 */
import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";
import { parseFault, type Instant } from "./mark.ts";

/** Finds the path that a call is about. */
type PathOf = (receiver: unknown, args: readonly unknown[]) => unknown;
type Call = (this: unknown, ...args: unknown[]) => unknown;

const root = process.env["MARKS_ROOT"] ?? "/";
const log = process.env["MARKS_LOG"];
const fault = parseFault(process.env["MARKS_FAULT"]);
const { openSync, writeSync } = fs;
const logFile = log === undefined ? undefined : openSync(log, "a");
const reached = new Map<string, number>();
/** Of open files, which later calls name by their number or handle. */
const pathsOfFiles = new Map<unknown, unknown>();

const first: PathOf = (_receiver, [path]) => path;
const second: PathOf = (_receiver, [, path]) => path;
const ofNumber: PathOf = (_receiver, [file]) => pathsOfFiles.get(file);
const ofHandle: PathOf = (receiver) => pathsOfFiles.get(receiver);

/** Counts the call; answers what is to become of it, where it is the one. */
function reach(call: string, path: unknown): Instant | undefined {
  if (typeof path !== "string" || !path.startsWith(root)) return undefined;
  const name = `${call} ${withoutChance(path.slice(root.length) || "/")}`;
  const count = (reached.get(name) ?? 0) + 1;
  reached.set(name, count);
  if (logFile !== undefined) writeSync(logFile, `${name}\n`);
  return fault?.name === name && fault.count === count ? fault.instant : undefined;
}

/** The path without what differs from run to run. */
function withoutChance(path: string): string {
  return path
    .replace(/^\/tmp\/.+-[0-9a-z]+-[0-9a-f]{16}-[0-9]+/, "/tmp/*")
    .replace(/\.siflet-[^/]*/, ".siflet-*")
    .replaceAll(/[0-9a-f]{12,}/g, "*");
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** What happens instead of the call, where something does. */
function failInstead(instant: Instant | undefined, call: string): void {
  if (instant === "before") die();
  if (instant !== "EIO" && instant !== "ENOSPC") return;
  throw Object.assign(new Error(`${instant}: made to fail, ${call}`), {
    code: instant,
    syscall: call,
  });
}

/** The arguments of a write of half as many bytes, and the others as they are. */
function halved(args: readonly unknown[], at: number): unknown[] {
  return args.map((arg, index) =>
    index === at && typeof arg === "number" ? Math.floor(arg / 2) : arg,
  );
}

interface Marked {
  readonly pathOf: PathOf;
  /** Which argument says how many bytes are written. */
  readonly lengthAt?: number;
  readonly isMark?: (args: readonly unknown[]) => boolean;
  /** Told what the call answered, and for which path. */
  readonly note?: (answer: unknown, path: unknown) => void;
}

function replace(target: object, name: string, make: (real: Call) => Call): void {
  const real: unknown = Reflect.get(target, name);
  if (typeof real !== "function")
    throw new Error(`${name}: expected a function of the file system`);
  Reflect.set(
    target,
    name,
    make(function (this: unknown, ...args) {
      return Reflect.apply(real, this, args);
    }),
  );
}

function markSync(name: string, { pathOf, lengthAt = -1, isMark, note }: Marked): void {
  replace(fs, name, (real) => {
    return function (this: unknown, ...args) {
      const path = pathOf(this, args);
      const instant = isMark?.(args) === false ? undefined : reach(name, path);
      failInstead(instant, name);
      const answer = real.apply(this, instant === "middle" ? halved(args, lengthAt) : args);
      if (instant === "middle") die();
      note?.(answer, path);
      return answer;
    };
  });
}

function markAsync(target: object, name: string, marked: Marked): void {
  const { pathOf, lengthAt = -1, isMark, note } = marked;
  replace(target, name, (real) => {
    return async function (this: unknown, ...args) {
      const path = pathOf(this, args);
      const instant = isMark?.(args) === false ? undefined : reach(name, path);
      failInstead(instant, name);
      const answer = await real.apply(this, instant === "middle" ? halved(args, lengthAt) : args);
      if (instant === "middle") die();
      note?.(answer, path);
      return answer;
    };
  });
}

/** Opening makes or empties a file with these flags alone. */
function isMaking([, flags]: readonly unknown[]): boolean {
  return typeof flags === "string" && /[wa]/.test(flags);
}

const opening: Marked = {
  pathOf: first,
  isMark: isMaking,
  note: (file, path) => pathsOfFiles.set(file, path),
};
/** Calls that name a file by its path, in both interfaces. */
const BY_PATH = ["mkdir", "rm", "unlink", "chmod", "chown", "utimes", "writeFile", "truncate"];
/** Calls whose second path is the one that appears. */
const TO_PATH = ["rename", "link", "copyFile"];
const BY_FILE = ["sync", "datasync", "truncate", "chmod"];

async function markAll(): Promise<void> {
  await using probe = await promises.open("/dev/null");
  const handles: unknown = Object.getPrototypeOf(probe);
  if (typeof handles !== "object" || handles === null) throw new Error("no class of file handles");
  markAsync(promises, "open", opening);
  markSync("openSync", opening);
  for (const name of BY_PATH) {
    markAsync(promises, name, { pathOf: first });
    markSync(`${name}Sync`, { pathOf: first });
  }
  for (const name of TO_PATH) {
    markAsync(promises, name, { pathOf: second });
    markSync(`${name}Sync`, { pathOf: second });
  }
  for (const name of BY_FILE) markAsync(handles, name, { pathOf: ofHandle });
  for (const name of ["fsyncSync", "fdatasyncSync", "ftruncateSync"]) {
    markSync(name, { pathOf: ofNumber });
  }
  markAsync(handles, "write", { pathOf: ofHandle, lengthAt: 2 });
  markSync("writeSync", { pathOf: ofNumber, lengthAt: 3 });
  syncBuiltinESMExports();
}

await markAll();
