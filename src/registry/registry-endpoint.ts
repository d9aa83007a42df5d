import type { HttpClient, TlsSettings } from "../http/index.ts";
import type { ImageName } from "../image/index.ts";

/** What a host may be asked for: `resolve` is to turn a tag into a digest. */
export type Capability = "pull" | "resolve" | "push" | "referrers";

/** One host that serves the repositories of a registry: the registry itself, or a mirror. */
export interface RegistryEndpoint {
  /** Where its API begins, with a slash at the end: `https://registry-1.docker.io/v2/`. */
  readonly api: URL;
  /** Host under which credentials are looked for; see `CredentialPlace`. */
  readonly credentialHost: string;
  /** The registry that a mirror is asked about (`ns`); undefined for the registry itself. */
  readonly namespace: string | undefined;
  readonly can: ReadonlySet<Capability>;
  /** Sent with every request to this host, names in lower case; never to a token service. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings | undefined;
  /** How long connecting may take; the client's own where undefined. */
  readonly connectMs: number | undefined;
  /** The server that named this host, which is connected to only where that one might send us; absent: the user did. */
  readonly namedBy?: URL;
}

/** A registry; with a repository, or an image in it, where that is known. */
export type RegistryPlace = Pick<ImageName, "domain"> & Partial<ImageName>;

/** Who knows the hosts of a registry. */
export interface RegistryHosts {
  /** The hosts that serve `place`, in the order in which they are to be asked. */
  endpointsOf(place: RegistryPlace, signal: AbortSignal): Promise<readonly RegistryEndpoint[]>;
}

const ALL: ReadonlySet<Capability> = new Set(["pull", "resolve", "push", "referrers"]);

// The API of Docker Hub is not at the host by which its images are called; registry.md §3.
const API_HOSTS: ReadonlyMap<string, string> = new Map([["docker.io", "registry-1.docker.io"]]);

const HOST = /^[A-Za-z0-9.:[\]-]+$/;

/**
 * The registry itself, as it is asked where nothing is configured.
 *
 * @throws Error for a domain that no parser let through
 */
export function originEndpoint(
  domain: string,
  client: Pick<HttpClient, "allowsPlainHttp">,
): RegistryEndpoint {
  const host = API_HOSTS.get(domain) ?? domain;
  if (!HOST.test(host)) throw new Error(`${domain} was not parsed before it was asked`);
  const scheme = client.allowsPlainHttp(host) ? "http" : "https";
  return {
    api: new URL(`${scheme}://${host}/v2/`),
    credentialHost: domain,
    namespace: undefined,
    can: ALL,
    headers: {},
    tls: undefined,
    connectMs: undefined,
  };
}
