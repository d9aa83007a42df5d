import type { CredentialPlace } from "../registry/index.ts";

/** What Docker's files call Docker Hub. */
export const HUB_KEY = "https://index.docker.io/v1/";

/** The registry of Docker Hub, and what else it is called. */
const HUB = "docker.io";
const HUB_NAMES: readonly string[] = [HUB, "index.docker.io", "registry-1.docker.io"];

/** What a login is for: a registry, or the repositories below a path of it. */
export interface CredentialKey {
  /** `name[:port]` in lower case; every name of Docker Hub is `docker.io`. */
  readonly host: string;
  /** Without slashes at its ends; empty for the whole registry. */
  readonly path: string;
}

/**
 * Reads what a file of credentials, or a user, calls a registry: with or without a scheme, which
 * makes a path say nothing, and with or without a path, where `v1` and `v2` are those of the API.
 * Never throws: what is no host is equal to none.
 *
 * @see registry.md §5.1 and §5.3; containers-auth.json(5)
 */
export function parseCredentialKey(text: string): CredentialKey {
  const bare = text.replace(/^https?:\/\//i, "");
  const slash = bare.indexOf("/");
  const host = canonicalHost(slash < 0 ? bare : bare.slice(0, slash));
  const path = slash < 0 ? "" : bare.slice(slash).replace(/^\/+|\/+$/g, "");
  const isWhole = bare !== text || path === "v1" || path === "v2";
  return { host, path: isWhole ? "" : path };
}

/** The one name of `host` that others are compared by. */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase();
  return HUB_NAMES.includes(name) ? HUB : name;
}

/** What siflet calls `key` in a file: `docker.io`, `quay.io/team`. */
export function formatCredentialKey({ host, path }: CredentialKey): string {
  return path === "" ? host : `${host}/${path}`;
}

/**
 * Those of `keys` that are for `place`, the one with the longest path first; of equal ones first
 * what siflet and podman would write, then what Docker writes.
 */
export function keysFor(keys: Iterable<string>, place: CredentialPlace): readonly string[] {
  const host = canonicalHost(place.host);
  return [...keys]
    .map((text) => ({ text, key: parseCredentialKey(text) }))
    .filter(({ key }) => key.host === host && covers(key.path, place.repository))
    .toSorted(
      (a, b) =>
        b.key.path.length - a.key.path.length || spelling(a.text, a.key) - spelling(b.text, b.key),
    )
    .map(({ text }) => text);
}

function covers(path: string, repository: string): boolean {
  return path === "" || repository === path || repository.startsWith(`${path}/`);
}

function spelling(text: string, key: CredentialKey): number {
  if (text === formatCredentialKey(key)) return 0;
  return text === HUB_KEY ? 1 : 2;
}
