import type { Limits } from "../base/index.ts";
import type { Compression, Layout, Owners, ProfileChoice } from "../image/index.ts";
import { cacheSizeKind, type CacheSize } from "./cache-size.ts";
import { librariesKind, type Libraries } from "./library-settings.ts";
import { annotationKeyKind } from "./annotation-key.ts";
import { runtimeHandlersKind, type RuntimeHandlers } from "./runtime-handlers.ts";
import {
  policyJsonKind,
  signerCountKind,
  signersKind,
  trustModeKind,
  trustNamesKind,
  type TrustedSigner,
  type TrustMode,
  type TrustNames,
} from "./trust-settings.ts";
import {
  addressesKind,
  aliasesKind,
  booleanKind,
  choiceKind,
  countKind,
  hostListsKind,
  hostsKind,
  keyServersKind,
  localPlaceKind,
  optionalCountKind,
  optionalPathKind,
  optionalPathsKind,
  optionalWordKind,
  pathKind,
  pathsKind,
  patternsKind,
  sizeKind,
  type LocalPlace,
  type NumberRange,
  type ValueKind,
} from "./value-kinds.ts";

/** More threads than any machine feeds; a number beyond is a slip of the keyboard. */
export const MOST_JOBS = 256;

/** How the daemon writes its log: for somebody who reads it, or a JSON object a line. */
export type LogFormat = "human" | "json";
export type LogLevel = "debug" | "info" | "warn" | "error";

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
  /** Absolute path of the file of credentials that comes before the usual ones; absent: none does. */
  readonly authFile: string | undefined;
  /** Hosts of token services by the registries whose credentials they may see, too. */
  readonly tokenRealms: Readonly<Record<string, readonly string[]>>;
  /** Mirrors by the registries whose logins they are shown, too, where a pull brings some. */
  readonly mirrorLogins: Readonly<Record<string, readonly string[]>>;
  /** URLs of key servers, in the order in which they are asked. */
  readonly keyServers: readonly string[];
  /** How libraries are reached, and as whom, by the hosts that references name. */
  readonly libraries: Libraries;
  /** Absolute paths of directories with what is configured for each registry's hosts. */
  readonly "registries.directories": readonly string[];
  /** Whether what containers' registries.conf blocks is not pulled. */
  readonly "registries.obeyBlocked": boolean;
  /** IP addresses and subnets that servers may name, besides public ones. */
  readonly "registries.serverNamedAddresses": readonly string[];
  /** Most connections for one blob. */
  readonly "transfers.perBlob": number;
  /** Most transfers from one registry at a time. */
  readonly "transfers.perRegistry": number;
  /** Most transfers at a time. */
  readonly "transfers.total": number;
  /** Seconds that a body may bring nothing. */
  readonly "transfers.idleSeconds": number;
  /** Bytes that a body must bring a second, over any half minute; 0: any. */
  readonly "transfers.minRate": number;
  /** Names and patterns of images that are never removed to make room. */
  readonly pins: readonly string[];
  /** Absolute paths of stores that are looked into before anything is fetched. */
  readonly stores: readonly string[];
  /** Absolute paths of directories that `local.file` images may lie in; absent: anywhere. */
  readonly "local.directories": readonly string[] | undefined;
  /** Absolute paths of SIF files by what `local.file/` names them. */
  readonly "local.aliases": Readonly<Record<string, string>>;
  /** What an image needs that no pattern below is for. */
  readonly "trust.mode": TrustMode;
  readonly "trust.signers": readonly TrustedSigner[];
  readonly "trust.atLeast": number;
  /** What images need by patterns of their names. */
  readonly "trust.names": TrustNames;
  /** Whether signatures of before Singularity 3.6 count, which leave out what a file says of itself. */
  readonly "trust.legacyInsecure": boolean;
  /** Whether `keyServers` are asked for the keys of signers that no keyring has. */
  readonly "trust.lookUpKeys": boolean;
  /** Absolute paths of Singularity's lists of who may have signed what lies in a directory. */
  readonly "trust.ecl": readonly string[];
  /** Absolute path of a policy.json that must accept images, too, or `system`; absent: there is none. */
  readonly "trust.policyJson": string | undefined;
  /** Absolute path of the daemon's socket; absent: in the usual directory of such. */
  readonly "daemon.socket": string | undefined;
  /** Name or number of the group that may speak to the daemon; absent: its own user's alone. */
  readonly "daemon.group": string | undefined;
  /** Seconds that calls have to end by themselves when the daemon is to stop. */
  readonly "daemon.drainSeconds": number;
  /** Where the daemon's metrics and health are served; absent: nowhere. */
  readonly "daemon.metrics": LocalPlace | undefined;
  /** Above so many percent of the store's file system images go; absent: none goes for want of room. */
  readonly "daemon.gcHighPercent": number | undefined;
  /** Until no more of it is used. */
  readonly "daemon.gcLowPercent": number;
  /** Seconds since its last use that an image stays in any case. */
  readonly "daemon.gcMinAgeSeconds": number;
  /** Hours since its last use after which an image goes; absent: none goes for its age. */
  readonly "daemon.gcMaxAgeHours": number | undefined;
  /** How often all files are read and compared with what they shall be; absent: never. */
  readonly "daemon.checkEveryHours": number | undefined;
  readonly "daemon.logFormat": LogFormat;
  /** The least that the daemon's log tells. */
  readonly "daemon.logLevel": LogLevel;
  /** Kubernetes' runtime handlers that pulls may name. */
  readonly "daemon.runtimeHandlers": RuntimeHandlers;
  /** Annotation of pods that says for which platform a pull is; absent: none does. */
  readonly "daemon.platformAnnotation": string | undefined;
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
  authFile: optionalPathKind("the usual files"),
  tokenRealms: hostListsKind,
  mirrorLogins: hostListsKind,
  keyServers: keyServersKind,
  libraries: librariesKind,
  "registries.directories": pathsKind,
  "registries.obeyBlocked": booleanKind,
  "registries.serverNamedAddresses": addressesKind,
  "transfers.perBlob": countKind({ least: 1, most: 16 }),
  "transfers.perRegistry": countKind({ least: 1, most: 64 }),
  "transfers.total": countKind({ least: 1, most: 256 }),
  "transfers.idleSeconds": countKind({ least: 1, most: 3600 }),
  "transfers.minRate": sizeKind({ least: 0, most: 1024 ** 3 }),
  pins: patternsKind,
  stores: pathsKind,
  "local.directories": optionalPathsKind("anywhere"),
  "local.aliases": aliasesKind,
  "trust.mode": trustModeKind,
  "trust.signers": signersKind,
  "trust.atLeast": signerCountKind,
  "trust.names": trustNamesKind,
  "trust.legacyInsecure": booleanKind,
  "trust.lookUpKeys": booleanKind,
  "trust.ecl": pathsKind,
  "trust.policyJson": policyJsonKind,
  "daemon.socket": optionalPathKind("in the directory of sockets"),
  "daemon.group": optionalWordKind("its own user's"),
  "daemon.drainSeconds": countKind({ least: 0, most: 3600 }),
  "daemon.metrics": localPlaceKind,
  "daemon.gcHighPercent": optionalCountKind({ least: 1, most: 100 }, "never"),
  "daemon.gcLowPercent": countKind({ least: 0, most: 99 }),
  "daemon.gcMinAgeSeconds": countKind({ least: 0, most: 31_536_000 }),
  "daemon.gcMaxAgeHours": optionalCountKind({ least: 1, most: 87_600 }, "never"),
  "daemon.checkEveryHours": optionalCountKind({ least: 1, most: 87_600 }, "never"),
  "daemon.logFormat": choiceKind<LogFormat>(["human", "json"]),
  "daemon.logLevel": choiceKind<LogLevel>(["debug", "info", "warn", "error"]),
  "daemon.runtimeHandlers": runtimeHandlersKind,
  "daemon.platformAnnotation": annotationKeyKind,
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
  archiveEntries: countKind(COUNT),
  archiveBytes: sizeKind(STREAMED),
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
  ["registries", membersOf("registries")],
  ["transfers", membersOf("transfers")],
  ["local", membersOf("local")],
  ["trust", membersOf("trust")],
  ["daemon", membersOf("daemon")],
  ["cache", membersOf("cache")],
  ["limits", LIMITS],
]);

/** What may stand at the top of the file. */
export const TOP_KEYS: readonly string[] = [
  ...SETTING_KEYS.filter((key) => !key.includes(".")),
  ...SECTIONS.keys(),
];

/** Keys of Singularity-CRI's file that mean the same as one of ours. */
export const OLD_KEYS: ReadonlyMap<string, SettingKey> = new Map([
  ["storageDir", "store"],
  ["listenSocket", "daemon.socket"],
]);

function membersOf(section: string): string[] {
  const prefix = `${section}.`;
  return SETTING_KEYS.filter((key) => key.startsWith(prefix)).map((key) =>
    key.slice(prefix.length),
  );
}
