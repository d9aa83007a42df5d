import { fork } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundle, THREADS } from "../../scripts/bundle.ts";
import type { VictimTask } from "./victim.ts";

// Within the project, where dependencies are found.
const BUNDLE = resolve(import.meta.dirname, "../../.cache/victim");

/** How the program ended. */
export type Ending = "killed" | "done";

/**
 * Puts the program into few files: it is started hundreds of times, and starts in half the time.
 *
 * @returns its file
 */
export async function bundleVictim(): Promise<string> {
  await rm(BUNDLE, { recursive: true, force: true });
  await bundle(BUNDLE, ["../test/faults/victim.ts", ...THREADS]);
  return join(BUNDLE, "victim.js");
}

/**
 * Runs the program, and kills it where `afterMs` says, counted from when it is at its work.
 *
 * @throws Error where it failed by itself
 */
export async function runVictim(
  program: string,
  task: VictimTask,
  afterMs?: number,
): Promise<Ending> {
  const child = fork(program, { execArgv: [] });
  let timer: NodeJS.Timeout | undefined;
  child.on("message", (message) => {
    if (message !== "at it" || afterMs === undefined) return;
    timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  child.send(task);
  await once(child, "exit");
  clearTimeout(timer);
  if (child.signalCode === "SIGKILL") return "killed";
  if (child.exitCode === 0) return "done";
  throw new Error(`the program ended with ${child.signalCode ?? String(child.exitCode)}`);
}
