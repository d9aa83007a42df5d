import type { Environment } from "./environment.ts";
import { Session } from "./session.ts";
import { versionText } from "./version-text.ts";

/** Commands that open a store, whatever else they are told. */
const STORE_COMMANDS: ReadonlySet<string> = new Set([
  "add",
  "borrow",
  "bundle",
  "cat",
  "df",
  "export",
  "fsck",
  "images",
  "import-registry",
  "inspect",
  "ls",
  "path",
  "pin",
  "prune",
  "pull",
  "return",
  "rm",
  "serve",
  "sign",
  "unpin",
  "untag",
  "verify",
]);

/**
 * Whether a command line, not parsed yet, is likely to open a store: a thread that was started in vain
 * ends with the process.
 */
function needsStore(args: readonly string[]): boolean {
  if (args.includes("--no-store") || args.includes("--help")) return false;
  return args.some((word) => STORE_COMMANDS.has(word));
}

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
      if (needsStore(args)) {
        // Its thread takes longer to be ready than all that is loaded meanwhile, and is not started before
        // that when it is not waited for. What goes wrong is heard at its opening.
        await environment.expectStore().catch(() => undefined);
      }
      const { runProgram } = await import("./run-program.ts");
      await runProgram(args, session);
    }
  } catch (error) {
    session.report(error);
  }
  return session.exitCode;
}
