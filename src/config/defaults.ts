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

/** Compressing threads when nobody says otherwise: more than 8 the network rarely feeds. */
export function defaultJobs(availableParallelism: number): number {
  return Math.min(availableParallelism, 8);
}

/** What holds where nobody says otherwise, but for the store. */
export function defaultValues({
  isRoot,
  parallelism,
}: Pick<Surroundings, "isRoot" | "parallelism">): Omit<Values, "store"> {
  return {
    ...DEFAULT_PROFILE,
    jobs: defaultJobs(parallelism),
    tmpdir: undefined,
    plainHttp: [],
    pins: [],
    stores: [],
    "local.directories": undefined,
    "local.aliases": {},
    "cache.maxBytes": isRoot ? ROOT_CACHE : USER_CACHE,
    "cache.dir": undefined,
    limits: DEFAULT_LIMITS,
  };
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
