import { join, resolve } from "node:path";
import {
  defaultSocketDirectory,
  defaultStore,
  defaultValues,
  type Surroundings,
} from "./defaults.ts";
import type { FileSettings, GivenSettings } from "./parse-config.ts";
import {
  LIMIT_KINDS,
  LIMITS,
  SETTING_KEYS,
  SETTING_KINDS,
  type Key,
  type SettingKey,
  type Settings,
  type Values,
} from "./schema.ts";
import type { SettingJson } from "./value-kinds.ts";

/** Who gave a setting its value. */
export type Origin =
  | { readonly kind: "flag"; readonly flag: string }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "default" };

/** The settings in force. */
export interface Config {
  /** The configuration file that was read; absent where there is none. */
  readonly file: string | undefined;
  readonly values: Values;
  /** Who gave each value that is not the default. */
  readonly origins: ReadonlyMap<Key, Origin>;
}

/**
 * Options of the command line that stand for settings. `--compression`, `--owners` and `--layout` do
 * not: they ask for a certain image, while the settings say how one is made for who asks for none.
 */
const FLAGS = {
  store: "--store",
  jobs: "--jobs",
  tmpdir: "--tmpdir",
  plainHttp: "--plain-http",
  authFile: "--authfile",
  keyServers: "--server",
  "daemon.socket": "--socket",
  "cache.dir": "--cache-dir",
  "cache.maxBytes": "--no-cache",
} as const;

/** Settings as the command line gave them, paths absolute. */
export type FlagSettings = Pick<GivenSettings, keyof typeof FLAGS>;

/** Environment variables that stand for settings, all of them paths. */
const VARIABLES = { store: "SIFLET_STORE", "cache.dir": "SIFLET_CACHEDIR" } as const;

/**
 * The settings in force: each as the command line gives it, else the environment, else the file,
 * else the default. An empty environment variable counts as not set; a list is replaced as a whole.
 */
export function resolveConfig(
  flags: FlagSettings,
  file: FileSettings | undefined,
  surroundings: Surroundings,
): Config {
  const defaults = defaultValues(surroundings);
  const given = { ...file?.settings, ...environmentSettings(surroundings), ...flags };
  return {
    file: file?.path,
    values: {
      ...defaults,
      ...given,
      // Only where nobody names one: there may be no home that the default could be in.
      store: given.store ?? defaultStore(surroundings),
      limits: { ...defaults.limits, ...file?.limits },
    },
    origins: new Map([
      ...fileOrigins(file),
      ...variableOrigins(surroundings),
      ...flagOrigins(flags),
    ]),
  };
}

type NamedByVariable = keyof typeof VARIABLES;

function environmentSettings(surroundings: Surroundings): Pick<GivenSettings, NamedByVariable> {
  const store = pathOf("store", surroundings);
  const cache = pathOf("cache.dir", surroundings);
  return {
    ...(store === undefined ? {} : { store }),
    ...(cache === undefined ? {} : { "cache.dir": cache }),
  };
}

function pathOf(
  key: NamedByVariable,
  surroundings: Pick<Surroundings, "variables" | "workingDirectory">,
): string | undefined {
  const path = surroundings.variables[VARIABLES[key]] ?? "";
  return path === "" ? undefined : resolve(surroundings.workingDirectory, path);
}

function fileOrigins(file: FileSettings | undefined): [Key, Origin][] {
  if (file === undefined) return [];
  return [...file.lines].map(([key, line]) => [key, { kind: "file", path: file.path, line }]);
}

function variableOrigins(surroundings: Surroundings): [Key, Origin][] {
  const { variables } = surroundings;
  return (["store", "cache.dir"] as const)
    .filter((key) => (variables[VARIABLES[key]] ?? "") !== "")
    .map((key) => [key, { kind: "environment", variable: VARIABLES[key] }]);
}

function flagOrigins(flags: FlagSettings): [Key, Origin][] {
  return SETTING_KEYS.filter((key) => key in FLAGS)
    .filter((key): key is keyof typeof FLAGS => key in flags)
    .map((key) => [key, { kind: "flag", flag: FLAGS[key] }]);
}

/** Who gave `key` its value. */
export function originOf(config: Config, key: Key): Origin {
  return config.origins.get(key) ?? { kind: "default" };
}

/** `--store`, `$SIFLET_STORE`, `/etc/siflet/config.yaml:3` or `default`. */
export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return origin.flag;
    case "environment":
      return `$${origin.variable}`;
    case "file":
      return `${origin.path}:${origin.line}`;
    case "default":
      return "default";
  }
}

/** The directory of the cache of converted layers. */
export function cacheDirectory({ values }: Config): string {
  return values["cache.dir"] ?? join(values.store, "packs");
}

/** The socket of the daemon. */
export function daemonSocket(
  { values }: Config,
  surroundings: Pick<Surroundings, "variables" | "isRoot">,
): string {
  const directory = defaultSocketDirectory(surroundings) ?? values.store;
  return values["daemon.socket"] ?? join(directory, "siflet.sock");
}

/** One setting as people and programs are shown it. */
export interface ShownSetting {
  readonly key: Key;
  /** As the file would say it. */
  readonly text: string;
  /** Sizes in bytes; null where nothing is set. */
  readonly json: SettingJson;
  readonly origin: Origin;
}

/** All settings, in a fixed order. */
export function shownSettings(config: Config): readonly ShownSetting[] {
  return [
    ...SETTING_KEYS.map((key) => shownSetting(key, config)),
    ...LIMITS.map((limit) => {
      const key = `limits.${limit}` as const;
      const value = config.values.limits[limit];
      const kind = LIMIT_KINDS[limit];
      return {
        key,
        text: kind.format(value),
        json: kind.toJson(value),
        origin: originOf(config, key),
      };
    }),
  ];
}

function shownSetting(key: SettingKey, config: Config): ShownSetting {
  return { key, ...shownValue(key, config.values), origin: originOf(config, key) };
}

function shownValue<K extends SettingKey>(
  key: K,
  settings: Pick<Settings, K>,
): Pick<ShownSetting, "text" | "json"> {
  const kind = SETTING_KINDS[key];
  const value = settings[key];
  return { text: kind.format(value), json: kind.toJson(value) };
}
