import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import process from "node:process";
import { text } from "node:stream/consumers";

/** How a process ended, and what it printed to standard output. */
export interface RunBeside {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
}

/**
 * Runs this very Node with other arguments in a process of its own, at the lowest priority. An abort ends
 * it.
 *
 * @throws the signal's reason, when the process has ended
 */
export async function runBeside(args: readonly string[], signal: AbortSignal): Promise<RunBeside> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const stop = (): boolean => child.kill();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ended = once(child, "close");
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    const [stdout] = await Promise.all([text(child.stdout), ended]);
    signal.throwIfAborted();
    return { exitCode: child.exitCode, stdout };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
