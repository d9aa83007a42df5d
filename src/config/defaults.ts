import { isAbsolute, join } from "node:path";
import { DEFAULT_LIMITS } from "../base/index.ts";
import type { ProfileChoice } from "../image/index.ts";
import type { CacheSize } from "./cache-size.ts";
import { ConfigError } from "./config-error.ts";
import type { Values } from "./schema.ts";

/** What of the process and its machine the configuration depends on. */
export interface Surroundings {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** An absolute path; undefined in a process that has none. */
  readonly homeDirectory: string | undefined;
  /** Whether the process has root's rights. */
  readonly isRoot: boolean;
  /** Threads that can run at the same time. */
  readonly parallelism: number;
}

/** What every runtime and kernel reads, and the same for every caller, root or not. */
export const DEFAULT_PROFILE: ProfileChoice = {
  compression: "gzip",
  owners: "image",
  layout: "runtime",
};

const GiB = 1024 ** 3;
const ROOT_CACHE: CacheSize = { maxBytes: 10 * GiB, maxPercent: 10 };
const USER_CACHE: CacheSize = { maxBytes: GiB, maxPercent: 100 };

const DEFAULT_TRANSFER_SETTINGS = {
  "transfers.perBlob": 4,
  "transfers.perRegistry": 8,
  "transfers.total": 16,
  "transfers.idleSeconds": 60,
  "transfers.minRate": 100,
} as const;

/** Compressing threads when nobody says otherwise: more than 8 the network rarely feeds. */
export function defaultJobs(availableParallelism: number): number {
  return Math.min(availableParallelism, 8);
}

/** What holds where nobody says otherwise, but for the store. */
export function defaultValues(
  surroundings: Omit<Surroundings, "workingDirectory">,
): Omit<Values, "store"> {
  const { isRoot, parallelism } = surroundings;
  return {
    ...DEFAULT_PROFILE,
    jobs: defaultJobs(parallelism),
    tmpdir: undefined,
    plainHttp: [],
    authFile: undefined,
    tokenRealms: {},
    mirrorLogins: {},
    keyServers: [],
    libraries: {},
    "registries.directories": registryDirectories(surroundings),
    "registries.obeyBlocked": true,
    "registries.serverNamedAddresses": [],
    ...DEFAULT_TRANSFER_SETTINGS,
    pins: [],
    stores: [],
    "local.directories": undefined,
    "local.aliases": {},
    "trust.mode": "if-signed",
    "trust.signers": [],
    "trust.atLeast": 1,
    "trust.names": {},
    "trust.legacyInsecure": false,
    "trust.lookUpKeys": false,
    "trust.ecl": [],
    "trust.policyJson": undefined,
    "daemon.socket": undefined,
    "daemon.group": undefined,
    "daemon.drainSeconds": 30,
    "daemon.metrics": undefined,
    "daemon.gcHighPercent": undefined,
    "daemon.gcLowPercent": 80,
    "daemon.gcMinAgeSeconds": 120,
    "daemon.gcMaxAgeHours": undefined,
    "daemon.checkEveryHours": undefined,
    "daemon.logFormat": "human",
    "daemon.logLevel": "info",
    "daemon.runtimeHandlers": {},
    "daemon.platformAnnotation": undefined,
    "cache.maxBytes": isRoot ? ROOT_CACHE : USER_CACHE,
    "cache.dir": undefined,
    limits: DEFAULT_LIMITS,
  };
}

/**
 * Where containerd, Podman and Docker look. containerd's comes first, so that a certificate that lies
 * elsewhere does not hide the mirrors that a host is to be reached through.
 */
function registryDirectories(
  surroundings: Pick<Surroundings, "variables" | "homeDirectory">,
): readonly string[] {
  const user = userConfigDirectory(surroundings);
  const own =
    user === undefined ? [] : [join(user, "containers/certs.d"), join(user, "docker/certs.d")];
  return ["/etc/containerd/certs.d", ...own, "/etc/containers/certs.d", "/etc/docker/certs.d"];
}

/**
 * The user's XDG configuration directory; undefined where there is none.
 *
 * @see XDG Base Directory Specification: a relative or empty XDG_CONFIG_HOME counts as not set
 */
export function userConfigDirectory(
  surroundings: Pick<Surroundings, "variables" | "homeDirectory">,
): string | undefined {
  const config = surroundings.variables["XDG_CONFIG_HOME"] ?? "";
  if (isAbsolute(config)) return config;
  const home = surroundings.homeDirectory;
  return home === undefined ? undefined : join(home, ".config");
}

/**
 * The directory of the daemon's socket where nobody names one; undefined for a user without such a
 * directory.
 *
 * @see XDG Base Directory Specification: a relative or empty XDG_RUNTIME_DIR counts as not set
 */
export function defaultSocketDirectory(
  surroundings: Pick<Surroundings, "variables" | "isRoot">,
): string | undefined {
  if (surroundings.isRoot) return "/run/siflet";
  const runtime = surroundings.variables["XDG_RUNTIME_DIR"] ?? "";
  return isAbsolute(runtime) ? join(runtime, "siflet") : undefined;
}

/**
 * The store where nobody names one: `/var/lib/siflet` for root and `siflet` in the XDG data
 * directory for everybody else.
 *
 * @throws ConfigError `CONFIG_NO_HOME`: it would be in a home directory, and there is none
 * @see XDG Base Directory Specification: a relative or empty XDG_DATA_HOME counts as not set
 */
export function defaultStore(
  surroundings: Pick<Surroundings, "variables" | "homeDirectory" | "isRoot">,
): string {
  if (surroundings.isRoot) return "/var/lib/siflet";
  const data = surroundings.variables["XDG_DATA_HOME"] ?? "";
  if (isAbsolute(data)) return join(data, "siflet");
  if (surroundings.homeDirectory === undefined) {
    const message = "expected HOME or the user's entry in /etc/passwd to name a home directory";
    const remedy = "name the store by --store, SIFLET_STORE or store: in /etc/siflet/config.yaml";
    throw new ConfigError(
      "CONFIG_NO_HOME",
      `no home directory for the store: ${message}; ${remedy}`,
    );
  }
  return join(surroundings.homeDirectory, ".local/share/siflet");
}
