import type { Config } from "../config/index.ts";
import {
  CredentialError,
  formatCredentialKey,
  loginFile,
  removeAllLogins,
  removeLogin,
  type CredentialKey,
} from "../credentials/index.ts";
import { usageError } from "./cli-error.ts";
import { configWith, findLogin, loginTarget } from "./login-command.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

export interface LogoutFlags {
  readonly all?: boolean;
  readonly authfile?: string;
}

/** `siflet logout`: removes what `siflet login` keeps. */
export async function logoutCommand(
  host: string | undefined,
  flags: LogoutFlags,
  session: Session,
): Promise<void> {
  const isAll = flags.all === true;
  if (isAll === (host !== undefined)) throw usageError("logout: expected HOST or --all");
  const key = host === undefined ? undefined : loginTarget(host, "logout");
  const config = await configWith(flags, session);
  const { environment, signal } = session;
  const file = loginFile(config.values.authFile, environment);
  const isRemoved =
    key === undefined
      ? await removeAllLogins(file, environment, signal)
      : await removeLogin(file, key, environment, signal);
  const name = key === undefined ? "all registries" : formatCredentialKey(key);
  if (!isRemoved) {
    const message = `${name}: expected a login in ${file}, found none`;
    throw new CredentialError("CREDENTIALS_NOT_FOUND", message);
  }
  if (key !== undefined) await warnOfOthers(key, config, session);
  await session.print(printable(`${name}: logged out, in ${file}`) + "\n");
}

/** Who logs out wants to be nobody, and may still be known from another file. */
async function warnOfOthers(key: CredentialKey, config: Config, session: Session): Promise<void> {
  try {
    const found = await findLogin(key, config, session);
    if (found === undefined) return;
    session.warn(`${formatCredentialKey(key)}: pulls still log in as ${found.described}`);
  } catch (error) {
    // Another file that is broken is not what this command is about.
    if (!(error instanceof CredentialError)) throw error;
  }
}
