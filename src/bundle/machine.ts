import { spawn } from "node:child_process";
import type { Host } from "../doctor/index.ts";

/** How a program ended. */
export interface ProgramEnd {
  readonly isDone: boolean;
  /** The first line that it wrote to standard error, or how else it ended. */
  readonly reason: string;
}

/** The machine that a bundle is made on: what can be looked at, and the programs that mount. */
export interface Machine {
  readonly host: Host;
  /** Of the group whose rights we have. */
  readonly groupId: number;
  /** Absent where the machine knows no name of the user. */
  readonly userName?: string;
  /** Runs the program at an absolute path to its end, in `directory`. */
  run(program: string, args: readonly string[], directory: string): Promise<ProgramEnd>;
}

/** Much more than any of them says. */
const MAX_ERROR_BYTES = 64 * 1024;

/** The machine that we run on. */
export function systemMachine(
  host: Host,
  identity: { readonly groupId: number; readonly userName?: string },
): Machine {
  return { host, ...identity, run: runProgram };
}

async function runProgram(
  program: string,
  args: readonly string[],
  directory: string,
): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  // Apart from the terminal: Ctrl-C is to end us, who then undo what the program has done.
  const child = spawn(program, args, {
    cwd: directory,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < MAX_ERROR_BYTES) said += chunk.toString();
  });
  child.on("error", (error) => {
    resolve({ isDone: false, reason: error.message });
  });
  child.on("close", (code, signal) => {
    // What follows it is advice, as a rule.
    const first = said.trim().split("\n", 1)[0] ?? "";
    const ending = signal === null ? `exit code ${code ?? "unknown"}` : `ended by ${signal}`;
    resolve({ isDone: code === 0, reason: first === "" ? ending : first });
  });
  return await promise;
}
