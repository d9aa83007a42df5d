import { createHash } from "node:crypto";
import type { Credentials } from "../registry/index.ts";
import { fromAuthConfig, type AuthConfig } from "./auth-config.ts";
import { firstFound } from "./first-found.ts";

// A bound only: what is forgotten is made again.
const MAX_REMEMBERED = 1000;

/**
 * Credentials that come with single pulls. The same fields for the same registry are the same object,
 * so that pulls and tokens can be shared by who shows the same, and by nobody else.
 */
export class GivenCredentials {
  readonly #usual: Credentials;
  readonly #mirrorsOf: (domain: string) => readonly string[];
  readonly #known: Map<string, Credentials> = new Map<string, Credentials>();

  /**
   * @param usual - what is asked behind the given ones, for the hosts of mirrors
   * @param mirrorsOf - those mirrors of a registry that are shown what is given for it
   */
  constructor(usual: Credentials, mirrorsOf: (domain: string) => readonly string[]) {
    this.#usual = usual;
    this.#mirrorsOf = mirrorsOf;
  }

  /**
   * As `fromAuthConfig`, with the usual ones behind.
   *
   * @returns undefined where the usual ones alone count: nothing is given, or for another registry
   * @throws CredentialError `CREDENTIALS_INVALID`
   */
  of(
    config: AuthConfig | undefined,
    domain: string | undefined,
    onIgnored: (message: string) => void,
  ): Credentials | undefined {
    if (config === undefined || domain === undefined) return undefined;
    const given = fromAuthConfig(config, domain, onIgnored, this.#mirrorsOf(domain));
    if (given === undefined) return undefined;
    const key = keyOf(config, domain);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    const credentials = firstFound([given, this.#usual]);
    this.#known.set(key, credentials);
    return credentials;
  }
}

/** Hashed, so that no map has a secret for a key. */
function keyOf(config: AuthConfig, domain: string): string {
  const { username, password, auth, identityToken, registryToken } = config;
  const fields = [username, password, auth, identityToken, registryToken].map((each) => each ?? "");
  return createHash("sha256")
    .update(JSON.stringify([domain, ...fields]))
    .digest("hex");
}
