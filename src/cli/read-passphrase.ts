import { resolve } from "node:path";
import { readAtMost } from "../base/index.ts";
import type { AskPassphrase } from "../signing/index.ts";
import { askUser } from "./ask-user.ts";
import { usageError } from "./cli-error.ts";
import { MAX_SECRET_BYTES, readSecret, secretOf } from "./read-secret.ts";
import type { Session } from "./session.ts";

/** What stands for standard input in the place of a file. */
export const STANDARD_INPUT = "-";

/** The option that says where a passphrase is. No option and no variable holds one: others could read it. */
export interface PassphraseFlags {
  readonly passphraseFile?: string;
}

/**
 * What tells the passphrases of keys that have one: the file, read once for all of them, or the user at the
 * terminal, asked for each.
 *
 * @param command - `sign`, for messages
 */
export function passphraseAsker(
  { passphraseFile }: PassphraseFlags,
  command: string,
  session: Session,
): AskPassphrase {
  let fromFile: Promise<string> | undefined;
  return async (key) => {
    if (passphraseFile !== undefined) {
      fromFile ??= passphraseIn(passphraseFile, command, session);
      return await fromFile;
    }
    if (session.environment.stdin.isTTY !== true) return undefined;
    const [answer] = await askUser([{ text: `Passphrase of ${key}: `, isShown: false }], session);
    return answer;
  };
}

/**
 * The passphrase of a key that is made: of the file, or asked for twice.
 *
 * @throws CliError `USAGE` for none, or for two that differ
 */
export async function newPassphrase(
  { passphraseFile }: PassphraseFlags,
  command: string,
  session: Session,
): Promise<string> {
  if (passphraseFile !== undefined) {
    const passphrase = await passphraseIn(passphraseFile, command, session);
    if (passphrase !== "") return passphrase;
    throw usageError(`${command}: --passphrase-file: expected a passphrase, got an empty one`);
  }
  if (session.environment.stdin.isTTY !== true) {
    throw usageError(
      `${command}: expected --passphrase-file or --no-passphrase, or a terminal to ask for a passphrase`,
    );
  }
  const questions = ["Passphrase: ", "The same again: "].map((text) => ({ text, isShown: false }));
  const [first = "", second] = await askUser(questions, session);
  if (first === "") {
    throw usageError(`${command}: expected a passphrase, got none (--no-passphrase does without)`);
  }
  if (first !== second) throw usageError(`${command}: the two passphrases are not the same`);
  return first;
}

async function passphraseIn(file: string, command: string, session: Session): Promise<string> {
  if (file === STANDARD_INPUT) return await readSecret("a passphrase", command, session);
  const path = resolve(session.environment.workingDirectory, file);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readAtMost(path, MAX_SECRET_BYTES);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`${command}: --passphrase-file: cannot read ${path}: ${reason}`, { cause });
  }
  if (bytes !== undefined) return secretOf(bytes);
  throw usageError(`${command}: --passphrase-file: expected at most ${MAX_SECRET_BYTES} bytes`);
}
