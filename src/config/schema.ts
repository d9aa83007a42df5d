import type { Limits } from "../base/index.ts";
import type { Compression, Layout, Owners, ProfileChoice } from "../image/index.ts";
import { cacheSizeKind, type CacheSize } from "./cache-size.ts";
import {
  aliasesKind,
  choiceKind,
  countKind,
  hostsKind,
  optionalPathKind,
  optionalPathsKind,
  pathKind,
  pathsKind,
  patternsKind,
  sizeKind,
  type NumberRange,
  type ValueKind,
} from "./value-kinds.ts";

/** More threads than any machine feeds; a number beyond is a slip of the keyboard. */
export const MOST_JOBS = 256;

/** The value of every setting but the limits, by its key; a dot stands for nesting in the file. */
export interface Settings extends ProfileChoice {
  /** Absolute path of the store. */
  readonly store: string;
  /** Compressing threads. */
  readonly jobs: number;
  /** Absolute path of the directory that large layers are spooled in; absent: inside the store. */
  readonly tmpdir: string | undefined;
  /** `HOST[:PORT]` of registries, besides loopback, that plain http may be spoken to. */
  readonly plainHttp: readonly string[];
  /** Names and patterns of images that are never removed to make room. */
  readonly pins: readonly string[];
  /** Absolute paths of stores that are looked into before anything is fetched. */
  readonly stores: readonly string[];
  /** Absolute paths of directories that `local.file` images may lie in; absent: anywhere. */
  readonly "local.directories": readonly string[] | undefined;
  /** Absolute paths of SIF files by what `local.file/` names them. */
  readonly "local.aliases": Readonly<Record<string, string>>;
  readonly "cache.maxBytes": CacheSize;
  /** Absolute path of the cache of converted layers; absent: inside the store. */
  readonly "cache.dir": string | undefined;
}

/** The value of every setting. */
export interface Values extends Settings {
  readonly limits: Limits;
}

export type SettingKey = keyof Settings;
export type LimitKey = `limits.${keyof Limits}`;
/** What the file calls a setting, a dot for nesting: `store`, `cache.dir`, `limits.layers`. */
export type Key = SettingKey | LimitKey;

export const SETTING_KINDS: { readonly [K in SettingKey]: ValueKind<Settings[K]> } = {
  store: pathKind,
  compression: choiceKind<Compression>(["gzip", "zstd"]),
  owners: choiceKind<Owners>(["image", "root"]),
  layout: choiceKind<Layout>(["runtime", "plain"]),
  jobs: countKind({ least: 1, most: MOST_JOBS }),
  tmpdir: optionalPathKind("inside the store"),
  plainHttp: hostsKind,
  pins: patternsKind,
  stores: pathsKind,
  "local.directories": optionalPathsKind("anywhere"),
  "local.aliases": aliasesKind,
  "cache.maxBytes": cacheSizeKind,
  "cache.dir": optionalPathKind("inside the store"),
};

const GiB = 1024 ** 3;

/** Sizes of what is held in memory at once. */
const IN_MEMORY: NumberRange = { least: 1, most: GiB };
const COUNT: NumberRange = { least: 1, most: 2 ** 31 - 1 };
const STREAMED: NumberRange = { least: 1, most: Number.MAX_SAFE_INTEGER };

export const LIMIT_KINDS: { readonly [L in keyof Limits]: ValueKind<number> } = {
  manifestBytes: sizeKind(IN_MEMORY),
  configBytes: sizeKind(IN_MEMORY),
  // Layers are numbered in 16 bits, and so is depth.
  layers: countKind({ least: 1, most: 65_534 }),
  entries: countKind(COUNT),
  layerBytes: sizeKind(STREAMED),
  imageBytes: sizeKind(STREAMED),
  headerBytes: sizeKind(IN_MEMORY),
  pathBytes: sizeKind(IN_MEMORY),
  pathDepth: countKind({ least: 1, most: 65_535 }),
  // Linux reads no longer one.
  linkTargetBytes: sizeKind({ least: 1, most: 4095 }),
  xattrBytes: sizeKind(IN_MEMORY),
  sparseSegments: countKind(COUNT),
  // What zstd itself can be asked for.
  zstdWindowLog: countKind({ least: 10, most: 31 }),
  // squashfs counts owners in 16 bits.
  ids: countKind({ least: 1, most: 65_535 }),
  // Where a name begins is kept in 32 bits.
  nameBytes: sizeKind({ least: 1, most: 4 * GiB - 1 }),
  imageXattrBytes: sizeKind(IN_MEMORY),
  linkSteps: countKind(COUNT),
  // Blocks of a file are counted in 32 bits.
  logicalBytes: sizeKind({ least: 1, most: 256 * 1024 * GiB }),
};

export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(SETTING_KINDS, text);
}

export function isLimit(text: string): text is keyof Limits {
  return Object.hasOwn(LIMIT_KINDS, text);
}

/** In the order in which they are shown. */
export const SETTING_KEYS: readonly SettingKey[] = Object.keys(SETTING_KINDS).filter(isSettingKey);
export const LIMITS: readonly (keyof Limits)[] = Object.keys(LIMIT_KINDS).filter(isLimit);

/** Keys of the file that hold further keys, and which. */
export const SECTIONS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["local", membersOf("local")],
  ["cache", membersOf("cache")],
  ["limits", LIMITS],
]);

/** What may stand at the top of the file. */
export const TOP_KEYS: readonly string[] = [
  ...SETTING_KEYS.filter((key) => !key.includes(".")),
  ...SECTIONS.keys(),
];

function membersOf(section: string): string[] {
  const prefix = `${section}.`;
  return SETTING_KEYS.filter((key) => key.startsWith(prefix)).map((key) =>
    key.slice(prefix.length),
  );
}
