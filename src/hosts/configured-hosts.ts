import { dirname, join, resolve } from "node:path";
import type { HttpClient, TlsSettings } from "../http/index.ts";
import {
  originEndpoint,
  type RegistryEndpoint,
  type RegistryHosts,
  type RegistryPlace,
} from "../registry/index.ts";
import { readAuthorities, readClientCertificate } from "./certificates.ts";
import { readDockerCertificates } from "./docker-certificates.ts";
import { hostDirectory } from "./host-directory.ts";
import type { HostSettings, HostsFile, NamedHost } from "./parse-hosts-toml.ts";
import { readTextIfThere } from "./read-file.ts";
import { refuseBlocked, type RegistriesConfPlaces } from "./registries-conf.ts";

export interface ConfiguredHostsOptions {
  /** Which registries are spoken to without TLS where nothing is configured for them. */
  readonly client: Pick<HttpClient, "allowsPlainHttp">;
  /** Directories with one directory for each host; the first that has one for a host counts. */
  readonly directories: readonly string[];
  /** The registries.conf that may block a registry; none is read where absent. */
  readonly registriesConf?: RegistriesConfPlaces;
}

/** Far more than any list of mirrors; each file is read at every pull. */
const MAX_HOSTS_BYTES = 256 * 1024;

/**
 * The hosts of registries as containerd's `hosts.toml` files, Docker's `certs.d` and containers'
 * `registries.conf` configure them. Every call reads the files anew: what an operator changes holds
 * for the next pull. Whatever of them cannot be read or understood is refused; nothing is passed over,
 * for a mirror that stands in for a registry is often there so that the registry is not asked.
 *
 * @see registry.md §10
 */
export class ConfiguredHosts implements RegistryHosts {
  readonly #options: ConfiguredHostsOptions;

  constructor(options: ConfiguredHostsOptions) {
    this.#options = options;
  }

  /** @throws HostsError `REGISTRY_BLOCKED`, `REGISTRY_CONFIG`; the signal's reason when aborted */
  async endpointsOf(
    place: RegistryPlace,
    signal: AbortSignal,
  ): Promise<readonly RegistryEndpoint[]> {
    const { directories, registriesConf } = this.#options;
    if (registriesConf !== undefined) await refuseBlocked(place, registriesConf);
    signal.throwIfAborted();
    const domain = place.domain.toLowerCase();
    const directory = await hostDirectory(directories, domain);
    const origin = originEndpoint(domain, this.#options.client);
    const endpoints =
      directory === undefined ? [origin] : await endpointsIn(directory, domain, origin);
    signal.throwIfAborted();
    return endpoints;
  }
}

async function endpointsIn(
  directory: string,
  domain: string,
  origin: RegistryEndpoint,
): Promise<readonly RegistryEndpoint[]> {
  const path = join(directory, "hosts.toml");
  const text = await readTextIfThere(path, MAX_HOSTS_BYTES);
  if (text === undefined || text === "") {
    return [withTls(origin, await readDockerCertificates(directory))];
  }
  // Loaded only where there is such a file: a pull without one starts sooner.
  const { parseHostsToml } = await import("./parse-hosts-toml.ts");
  return await endpointsOf(parseHostsToml(text, path), path, domain, origin);
}

async function endpointsOf(
  { mirrors, upstream }: HostsFile,
  path: string,
  domain: string,
  origin: RegistryEndpoint,
): Promise<readonly RegistryEndpoint[]> {
  const endpoints: RegistryEndpoint[] = [];
  for (const mirror of mirrors) endpoints.push(await endpointOf(mirror, path, domain, origin));
  const { api } = upstream;
  const last =
    api === undefined
      ? upstreamOf(origin, await partsOf(upstream, path))
      : await endpointOf({ ...upstream, api }, path, domain, origin);
  // A mirror that is also the `server`, which is how the registry itself is cut off, is asked once.
  const isThere = endpoints.some(
    (known) => known.api.href === last.api.href && canAll(known, last),
  );
  return isThere ? endpoints : [...endpoints, last];
}

function canAll(one: RegistryEndpoint, other: RegistryEndpoint): boolean {
  return other.can.isSubsetOf(one.can);
}

async function endpointOf(
  host: NamedHost,
  path: string,
  domain: string,
  origin: RegistryEndpoint,
): Promise<RegistryEndpoint> {
  const { api, can } = host;
  const isOrigin = api.host === origin.api.host || api.host === hostOf(domain, api.protocol);
  return {
    api,
    credentialHost: isOrigin ? domain : api.host,
    namespace: isOrigin ? undefined : domain,
    can,
    ...(await partsOf(host, path)),
  };
}

/** `domain` as a URL of this scheme spells it: without the port that the scheme has anyway. */
function hostOf(domain: string, protocol: string): string {
  return new URL(`${protocol}//${domain}`).host;
}

function upstreamOf(origin: RegistryEndpoint, parts: Parts): RegistryEndpoint {
  return { ...withTls(origin, parts.tls), headers: parts.headers, connectMs: parts.connectMs };
}

/**
 * The registry itself under these settings. One of loopback, which is spoken to by plain http where
 * nobody says anything, is spoken to by https where somebody says how: else they would mean nothing.
 */
function withTls(origin: RegistryEndpoint, tls: TlsSettings | undefined): RegistryEndpoint {
  if (tls === undefined) return origin;
  return { ...origin, api: new URL(origin.api.href.replace(/^http:/, "https:")), tls };
}

type Parts = Pick<RegistryEndpoint, "headers" | "tls" | "connectMs">;

async function partsOf(
  { headers, connectMs, ca, clients, skipVerify }: HostSettings,
  path: string,
): Promise<Parts> {
  const at = (line: number): string => `${path}:${line}`;
  const absolute = (file: string): string => resolve(dirname(path), file);
  const tls: TlsSettings = {
    ca: await Promise.all(ca.map((file) => readAuthorities(absolute(file.path), at(file.line)))),
    clients: await Promise.all(
      clients.map(({ certificate, key }) =>
        readClientCertificate(
          absolute(certificate.path),
          key && absolute(key.path),
          at(certificate.line),
        ),
      ),
    ),
    verify: !skipVerify,
  };
  const isUsual = !skipVerify && ca.length + clients.length === 0;
  return { headers, connectMs, tls: isUsual ? undefined : tls };
}
