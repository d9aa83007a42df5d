import { resolve } from "node:path";
import { isPlainHttpHost, type Config } from "../config/index.ts";
import {
  CredentialError,
  formatCredentialKey,
  loginFile,
  parseLoginTarget,
  saveLogin,
  type CredentialKey,
  type PasswordCredential,
} from "../credentials/index.ts";
import type { Credential } from "../registry/index.ts";
import { usageError } from "./cli-error.ts";
import { contextSettings } from "./context-settings.ts";
import { usualCredentials } from "./credentials-of.ts";
import { printable } from "./printable.ts";
import { readLogin, type LoginFlags } from "./read-login.ts";
import type { Session } from "./session.ts";

export interface LoginCommandFlags extends LoginFlags {
  readonly authfile?: string;
  readonly getLogin?: boolean;
  readonly plainHttp?: readonly string[];
}

/** `siflet login`: keeps a user and a password that the registry knows. */
export async function loginCommand(
  host: string,
  flags: LoginCommandFlags,
  session: Session,
): Promise<void> {
  const key = loginTarget(host, "login");
  const config = await configWith(flags, session);
  if (flags.getLogin === true) {
    await session.print(`${printable(await userOf(key, config, session))}\n`);
    return;
  }
  const credential = await readLogin(flags, "login", session);
  const isChecked = await check(key, credential, config, session);
  const { environment, signal } = session;
  const file = loginFile(config.values.authFile, environment);
  const place = await saveLogin(file, { key, credential }, environment, signal);
  const name = formatCredentialKey(key);
  if (!isChecked) session.warn(`${name} asks nobody who he is: the login could not be checked`);
  await session.print(
    printable(`${name}: logged in as ${credential.username}, in ${place}`) + "\n",
  );
}

/** @throws CliError `USAGE` */
export function loginTarget(text: string, command: string): CredentialKey {
  const key = parseLoginTarget(text);
  if (key !== undefined) return key;
  // Not quoted: people paste URLs with passwords in them.
  throw usageError(
    `${command}: expected HOST[:PORT] or HOST[:PORT]/PATH, as images of the registry are called`,
  );
}

/** The settings in force, with the options of login and logout. */
export async function configWith(
  { authfile, plainHttp }: Pick<LoginCommandFlags, "authfile" | "plainHttp">,
  session: Session,
): Promise<Config> {
  if (authfile === "") throw usageError("--authfile: expected a path, got an empty one");
  const wrong = plainHttp?.find((host) => !isPlainHttpHost(host));
  if (wrong !== undefined) {
    throw usageError(`--plain-http ${wrong}: expected a host as name or name:port`);
  }
  const { workingDirectory } = session.environment;
  return await session.config({
    ...(authfile === undefined ? {} : { authFile: resolve(workingDirectory, authfile) }),
    ...(plainHttp === undefined ? {} : { plainHttp }),
  });
}

/** What is found for `key` wherever a login is kept. */
export async function findLogin(
  { host, path }: CredentialKey,
  config: Config,
  session: Session,
): Promise<Credential | undefined> {
  const usual = usualCredentials(config, undefined, session);
  return await usual.find({ host, repository: path }, session.signal);
}

async function userOf(key: CredentialKey, config: Config, session: Session): Promise<string> {
  const found = await findLogin(key, config, session);
  if (found === undefined) {
    const message = `${formatCredentialKey(key)}: not logged in`;
    throw new CredentialError("CREDENTIALS_NOT_FOUND", message);
  }
  return found.kind === "password" ? found.username : "<token>";
}

/** @returns whether the registry wanted to know who asks */
async function check(
  key: CredentialKey,
  credential: PasswordCredential,
  config: Config,
  session: Session,
): Promise<boolean> {
  const settings = contextSettings(config, usualCredentials(config, undefined, session));
  await using context = await session.environment.openContext(settings);
  return await context.registries.checkLogin(key.host, credential, session.signal);
}
