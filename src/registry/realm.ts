import { HttpError, isSameDomain, redactUrl } from "../http/index.ts";
import type { Challenge } from "./challenge.ts";
import { RegistryError } from "./registry-error.ts";

/** Who asks a token service, and for what. */
export interface RealmRules {
  /** The registry's URL whose answer named the realm. */
  readonly registry: URL;
  /** What the token is for, as messages name it. */
  readonly called: string;
  allowsPlainHttp(host: string): boolean;
}

/**
 * The token service that a challenge names.
 *
 * @throws RegistryError `REGISTRY_REALM` unless the realm is an https URL without user info; plain
 *   http is for registries that are asked by it themselves, to hosts that it may be spoken to
 * @see registry.md §2.1 and §13.1, realm rules
 */
export function realmOf(challenge: Challenge, rules: RealmRules): URL {
  const { registry } = rules;
  const text = challenge.parameters.get("realm")?.[0];
  const realm = text === undefined ? null : URL.parse(text);
  if (realm === null) {
    throw refused(rules, "by its URL", text === undefined ? "none" : "what is no URL");
  }
  if (realm.username !== "" || realm.password !== "") {
    throw refused(rules, "without user info", `${redactUrl(realm)} with some`);
  }
  if (realm.protocol === "https:") return realm;
  if (realm.protocol !== "http:" || registry.protocol !== "http:") {
    throw refused(rules, "by https", redactUrl(realm));
  }
  if (rules.allowsPlainHttp(realm.host)) return realm;
  throw refused(rules, "by https or at a host for plain http", redactUrl(realm));
}

/** The error for a realm whose address is none that the registry may name. */
export function realmAddressRefused(
  rules: RealmRules,
  realm: URL,
  cause: HttpError,
): RegistryError {
  const expected = `that it may name`;
  return refused(rules, expected, `${realm.host} (${cause.message})`, cause);
}

/**
 * Makes sure that a realm may see credentials of the registry that named it: on the same host, under
 * the same domain that somebody registered, or one of those that the operator `named` for it.
 *
 * @param host - of the registry, as the credentials are for it
 * @throws RegistryError `REGISTRY_REALM`
 * @see design decision 10; registry.md §2.1, realm rules
 */
export async function checkRealmTrust(
  rules: RealmRules,
  realm: URL,
  named: readonly string[],
): Promise<void> {
  const { registry } = rules;
  if (named.includes(realm.host)) return;
  if (await isSameDomain(realm.hostname, registry.hostname)) return;
  throw refused(
    rules,
    "that may see its credentials",
    `${realm.host}, which is of another domain (name it under tokenRealms if it is trusted)`,
  );
}

function refused(
  { called, registry }: RealmRules,
  expected: string,
  got: string,
  cause?: HttpError,
): RegistryError {
  return new RegistryError(
    "REGISTRY_REALM",
    `${called}: expected ${registry.host} to name a token service ${expected}, got ${got}`,
    cause && { cause },
  );
}
