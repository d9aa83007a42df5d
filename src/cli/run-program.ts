import { CommanderError } from "commander";
import { usageError, type CliError } from "./cli-error.ts";
import { buildProgram } from "./program.ts";
import type { Session } from "./session.ts";

/**
 * Parses `args` and runs the command that they name.
 *
 * @throws CliError `USAGE`, and whatever the command throws
 */
export async function runProgram(args: readonly string[], session: Session): Promise<void> {
  let help = "";
  const program = buildProgram(session, (text) => {
    help += text;
  });
  await program.parseAsync(args, { from: "user" }).catch(unlessHelp);
  if (help !== "") await session.print(help);
}

/** Help and version end the parsing by an error, too. */
function unlessHelp(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode !== 0) throw usageErrorOf(error);
}

function usageErrorOf(error: CommanderError): CliError {
  const text =
    error.code === "commander.help" ? "expected a command" : error.message.replace(/^error: /, "");
  // The parser knows better where it guesses what was meant.
  const hint = text.includes("Did you mean") ? "" : " (see siflet --help)";
  return usageError(text + hint, { cause: error });
}
