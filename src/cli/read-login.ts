import { loginCredential, type PasswordCredential } from "../credentials/index.ts";
import { usageError } from "./cli-error.ts";
import { askUser } from "./ask-user.ts";
import { readSecret } from "./read-secret.ts";
import type { Session } from "./session.ts";

/** The options that say who somebody is. */
export interface LoginFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
}

/**
 * The user that the options name, with a password from standard input: all of it but a line end, or
 * asked for where it is a terminal. There is no option for a password: every user of the machine
 * could read it there.
 *
 * @param command - `pull`, for messages
 * @throws CliError `USAGE`; CredentialError `CREDENTIALS_INVALID`
 */
export async function readLogin(
  { username, passwordStdin = false }: LoginFlags,
  command: string,
  session: Session,
): Promise<PasswordCredential> {
  const isTerminal = session.environment.stdin.isTTY === true;
  if (username === "")
    throw usageError(`${command}: --username: expected a name, got an empty one`);
  if (passwordStdin && username === undefined) {
    throw usageError(`${command}: expected --username with --password-stdin`);
  }
  if (!passwordStdin && !isTerminal) {
    throw usageError(
      `${command}: expected --username with --password-stdin, or a terminal to ask for them`,
    );
  }
  if (passwordStdin && username !== undefined) {
    return loginCredential(username, await readSecret("a password", command, session));
  }
  const questions = [
    ...(username === undefined ? [{ text: "Username: ", isShown: true }] : []),
    { text: "Password: ", isShown: false },
  ];
  const answers = await askUser(questions, session);
  return loginCredential(username ?? answers[0] ?? "", answers.at(-1) ?? "");
}
