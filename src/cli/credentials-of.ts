import { formatOrigin, hostsListedIn, originOf, type Config } from "../config/index.ts";
import { bindCredential, findableCredentials, firstFound } from "../credentials/index.ts";
import { registryOf } from "../pull/index.ts";
import type { Credentials } from "../registry/index.ts";
import { usageError } from "./cli-error.ts";
import { readLogin, type LoginFlags } from "./read-login.ts";
import type { Session } from "./session.ts";

/**
 * The credentials of a command about one image: the user that its options name, for the image's
 * registry and those of its mirrors that may see it, and behind that every place where a login is kept.
 *
 * @throws CliError `USAGE`; CredentialError `CREDENTIALS_INVALID`; ImageError `REFERENCE_INVALID`
 */
export async function credentialsOf(
  command: string,
  reference: string,
  flags: LoginFlags,
  config: Config,
  session: Session,
): Promise<Credentials> {
  const domain = registryOf(reference);
  const usual = usualCredentials(config, domain, session);
  if (flags.username === undefined && flags.passwordStdin !== true) return usual;
  if (domain === undefined)
    throw usageError(`${command}: expected --username with an image of a registry`);
  const login = await readLogin(flags, command, session);
  const mirrors = hostsListedIn(config.values.mirrorLogins)(domain);
  return firstFound([bindCredential(login, [domain, ...mirrors]), usual]);
}

/**
 * Every place where a login is kept.
 *
 * @param domain - the registry that the environment's user is for; absent: that is not looked at
 */
export function usualCredentials(
  config: Config,
  domain: string | undefined,
  { environment }: Session,
): Credentials {
  const path = config.values.authFile;
  const namedBy = formatOrigin(originOf(config, "authFile"));
  return findableCredentials(
    { authFile: path === undefined ? undefined : { path, namedBy }, domain },
    environment,
  );
}
