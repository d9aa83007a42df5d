import type { Credential, Credentials } from "../registry/index.ts";
import { CredentialError } from "./credential-error.ts";
import { canonicalHost, parseCredentialKey } from "./credential-key.ts";
import { makeCredential, type CredentialFields } from "./make-credential.ts";

/**
 * Credentials that a caller gives with one pull, in the fields of the container runtime interface.
 * Of several `registryToken` counts, else `identityToken`, else `username` with `password`, else
 * `auth`. An empty field is like an absent one.
 *
 * @see cri.md, AuthConfig
 */
export interface AuthConfig extends CredentialFields {
  /**
   * The registry that they are for, with or without scheme and path; absent: that of the reference.
   * It never says where anything is sent.
   */
  readonly serverAddress?: string | undefined;
}

/**
 * The credentials of `config` for the registry `domain`, and for no other: neither for its mirrors, but those
 * that are named, nor for what `serverAddress` names.
 *
 * @param domain - of the reference that is pulled
 * @param mirrors - `name[:port]` of those that are shown them, too
 * @param onIgnored - told once, without values, where they are for another registry
 * @returns undefined where nothing is given, or another registry is meant
 * @throws CredentialError `CREDENTIALS_INVALID` for half a pair, an `auth` that is no base64 of
 *   `user:password`, and a registry token that no header can hold
 * @see registry.md §5.5
 */
export function fromAuthConfig(
  config: AuthConfig,
  domain: string,
  onIgnored: (message: string) => void,
  mirrors: readonly string[] = [],
): Credentials | undefined {
  const { serverAddress = "" } = config;
  const isMeant =
    serverAddress === "" || parseCredentialKey(serverAddress.trim()).host === canonicalHost(domain);
  if (!isMeant) {
    onIgnored(`the credentials that were given are for another registry than ${domain}: not used`);
    return undefined;
  }
  return boundCredentials(config, [domain, ...mirrors], `the caller`);
}

/**
 * What `fields` say, for the hosts of `domains` alone.
 *
 * @param called - who gives them, for messages
 * @returns undefined where nothing is given
 * @throws CredentialError `CREDENTIALS_INVALID`
 */
export function boundCredentials(
  fields: CredentialFields,
  domains: readonly string[],
  called: string,
): Credentials | undefined {
  const fail = (reason: string): CredentialError =>
    new CredentialError("CREDENTIALS_INVALID", `${called}: ${reason}`);
  const credential = makeCredential(fields, { called, fail }, { prefersAuth: false });
  return credential && bindCredential(credential, domains);
}

/** Shows `credential` to the hosts of `domains` alone: a registry, and those of its mirrors that may see it. */
export function bindCredential(credential: Credential, domains: readonly string[]): Credentials {
  const hosts = new Set(domains.map(canonicalHost));
  return {
    find: (place) => Promise.resolve(hosts.has(canonicalHost(place.host)) ? credential : undefined),
  };
}
