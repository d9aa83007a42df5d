import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { VictimTask } from "./victim.ts";

const PROGRAM = fileURLToPath(new URL("./victim.ts", import.meta.url));

/** How the program ended. */
export type Ending = "killed" | "done";

/**
 * Runs the program, and kills it where `afterMs` says, counted from when it is at its work.
 *
 * @throws Error where it failed by itself
 */
export async function runVictim(task: VictimTask, afterMs?: number): Promise<Ending> {
  const child = fork(PROGRAM, { execArgv: [] });
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
