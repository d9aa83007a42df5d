import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { formatFault, type Mark, type MarkFault } from "./mark.ts";
import type { Place } from "./place.ts";
import { PROGRAM } from "../fixtures/program.ts";

const MARKS = resolve(import.meta.dirname, "call-marks.ts");

/** How a process came to its end. */
export interface Ending {
  readonly isKilled: boolean;
  /** 0 for one that was killed. */
  readonly exitCode: number;
  readonly stderr: string;
}

/** Runs a command of a real process undisturbed; answers the marks that it passed. */
export async function passedMarks(
  place: Place,
  args: readonly string[],
): Promise<{ readonly marks: readonly Mark[]; readonly ending: Ending }> {
  const log = join(place.directory, "marks");
  const ending = await run(place, args, { MARKS_LOG: log });
  const counts = new Map<string, number>();
  const names = (await readFile(log, "utf8")).trimEnd().split("\n");
  await rm(log);
  const marks = names.map((name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { name, count };
  });
  return { marks, ending };
}

/** Runs it with one mark failing. */
export async function runToMark(
  place: Place,
  args: readonly string[],
  fault: MarkFault,
): Promise<Ending> {
  return await run(place, args, { MARKS_FAULT: formatFault(fault) });
}

async function run(
  place: Place,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ending> {
  const command = ["--import", MARKS, PROGRAM, "--store", place.store, ...args];
  return await endingOf(process.execPath, command, place, { MARKS_ROOT: place.store, ...env });
}

/** The program's own home and configuration stay out of it. */
export async function endingOf(
  program: string,
  args: readonly string[],
  { directory, compiled }: Place,
  env: Readonly<Record<string, string>>,
): Promise<Ending> {
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...process.env, HOME: directory, NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = text(child.stderr);
  await once(child, "close");
  const isKilled = child.signalCode === "SIGKILL";
  return { isKilled, exitCode: child.exitCode ?? 0, stderr: await said };
}

/** The command as a program and its arguments, for one who runs it in another program. */
export function sifletCommand(place: Place, args: readonly string[]): readonly string[] {
  return [process.execPath, PROGRAM, "--store", place.store, ...args];
}
