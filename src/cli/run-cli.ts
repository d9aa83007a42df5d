import type { Environment } from "./environment.ts";
import { Session } from "./session.ts";
import { versionText } from "./version-text.ts";

/**
 * Runs one command line. Results go to standard output, progress and one line for each failure to
 * standard error; never throws.
 *
 * @param args - without the program's own name
 * @param signal - ends the run; with an `Interrupted` as its reason that decides the exit code
 * @returns the exit code, as docs/errors.md has it
 */
export async function runCli(
  args: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<number> {
  const session = new Session(environment, signal);
  try {
    if (args.length === 1 && args[0] === "--version") {
      // Scripts ask for it often, and loading the parser takes as long as all the rest.
      await session.print(versionText(environment.version));
    } else {
      const { runProgram } = await import("./run-program.ts");
      await runProgram(args, session);
    }
  } catch (error) {
    session.report(error);
  }
  return session.exitCode;
}
