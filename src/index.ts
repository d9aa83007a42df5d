import { readdir, readFile } from "node:fs/promises";
import { availableParallelism, hostname, userInfo } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { DEFAULT_LIMITS, homeDirectory, makeDirectories, readAtMost } from "./base/index.ts";
import { defaultJobs, hostsListedIn } from "./config/index.ts";
import { findableCredentials, GivenCredentials, type AuthConfig } from "./credentials/index.ts";
import { ConfiguredHosts, registriesConfPlaces } from "./hosts/index.ts";
import { DEFAULT_TIMEOUTS, HttpClient, systemClock } from "./http/index.ts";
import {
  digestHex,
  hostPlatform,
  libraryNameOf,
  normalizePlatform,
  parseRef,
  type Platform,
} from "./image/index.ts";
import { keyPlaces, keyRings, type KeySurroundings } from "./keys/index.ts";
import { ConfiguredLibraries, Libraries, usualRemoteFiles } from "./library/index.ts";
import {
  ImageStore,
  Info,
  librarySettingsOf,
  libraryTokenOf,
  type PullWish,
  type SourceSettings,
  type Stoppable,
  type TrustSettings,
} from "./package/index.ts";
import {
  describeLocalName,
  GuardedListener,
  infoOfFile,
  infoOfLocal,
  isLocalName,
  localFilesOf,
  pullToFile,
  registryOf,
  type PullContext,
} from "./pull/index.ts";
import { Registries } from "./registry/index.ts";
import { KeyRing, readKeys } from "./signing/index.ts";
import { openStore as openImages } from "./store/index.ts";
import { DEFAULT_TRANSFERS, Transfers } from "./transfer/index.ts";
import { DEFAULT_POLICY, readContainersPolicy, Trust } from "./trust/index.ts";
import { recoverStore } from "./upkeep/index.ts";
import { VERSION } from "./version.ts";

export { ArchiveError, type ArchiveErrorCode } from "./archive/index.ts";
export { CodedError, LimitError, type LimitCode, type Limits } from "./base/index.ts";
export { BundleError, type BundleErrorCode } from "./bundle/index.ts";
export { ConfigError, type ConfigErrorCode } from "./config/index.ts";
export { ConvertError } from "./convert/index.ts";
export { CredentialError, type AuthConfig, type CredentialErrorCode } from "./credentials/index.ts";
export { HostsError, type HostsErrorCode } from "./hosts/index.ts";
export { HttpError, type HttpErrorCode } from "./http/index.ts";
export {
  ContentError,
  ID_LEN,
  ImageError,
  normalizedImageRef,
  parseRef,
  Reference,
  type Compression,
  type ImageErrorCode,
  type ImageEvidence,
  type ImageFilter,
  type InfoJson,
  type Layout,
  type OciConfig,
  type Owners,
  type Platform,
  type ReferenceJson,
  type SignatureEvidence,
} from "./image/index.ts";
export { KeysError, type KeysErrorCode } from "./keys/index.ts";
export { LayerError, type LayerErrorCode } from "./layers/index.ts";
export { LibraryError, type LibraryErrorCode } from "./library/index.ts";
export { PackError } from "./packs/index.ts";
export {
  ImageStore,
  Info,
  type Evidence,
  type LibraryChoice,
  type PullWish,
  type SourceSettings,
  type Stoppable,
  type TrustSettings,
} from "./package/index.ts";
export { PullError, type PullErrorCode, type PullEvent } from "./pull/index.ts";
export { RegistryError, type RegistryErrorCode } from "./registry/index.ts";
export { SifError, type SifErrorCode } from "./sif/index.ts";
export { CosignError, type CosignErrorCode } from "./cosign/index.ts";
export { SigningError, type SigningErrorCode } from "./signing/index.ts";
export { TrustError, type TrustErrorCode } from "./trust/index.ts";
export { SquashfsError, type SquashfsErrorCode } from "./squashfs/index.ts";
export { StoreError, type BorrowOptions, type StoreErrorCode } from "./store/index.ts";
export type { TransferLimits } from "./transfer/index.ts";
export { TreeError } from "./tree/index.ts";

/** What one call of `pull` may ask for; everything has a usual value. */
export interface PullSettings extends PullWish, SourceSettings {
  /**
   * Where converted layers are kept for later pulls, and for a day what came of a large blob that broke
   * off; made when it is needed. Absent: nothing is kept.
   */
  readonly cacheDirectory?: string;
  /** Bytes of converted layers that are kept there; absent: 1 GiB; 0 keeps nothing. */
  readonly cacheBytes?: number;
}

/** How a store is opened; everything has a usual value. */
export interface StoreSettings extends SourceSettings {
  /** Opens a store that one may only read: look-ups work, nothing is written. */
  readonly readOnly?: boolean;
  /** Bytes of converted layers that are kept for later pulls; absent: 1 GiB; 0 keeps none. */
  readonly cacheBytes?: number;
}

/**
 * Pulls an image into the directory `location`, which is made if it is not there. The result is
 * `<location>/<sha256>` and nothing else, also after a failure or an abort; two processes may pull into
 * one location at once. A `local.file` image is described where it lies and never copied. Proxies are
 * those of the environment.
 *
 * @param ref - as `parseRef` reads it, of a registry, a library or a local file
 * @returns the image: id and sha256 (of the SIF file, 64 hex digits), size in bytes, path, names
 *   (the reference and what it means now), OCI configuration
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT` (no image that can be pulled),
 *   `NOT_FOUND`, `PLATFORM_NOT_FOUND`, `MANIFEST_*`, `CONFIG_INVALID`; RegistryError, LibraryError,
 *   HttpError, HostsError, CredentialError, ContentError, LayerError, TreeError, LimitError, SifError,
 *   SigningError, TrustError, ConvertError, PullError as
 *   `docs/errors.md` says; the signal's reason when aborted
 */
export async function pull(
  location: string,
  ref: string,
  settings: PullSettings = {},
): Promise<Info> {
  const listener = new GuardedListener(settings.onProgress ?? (() => undefined));
  const signals = settings.signal === undefined ? [] : [settings.signal];
  const signal = AbortSignal.any([...signals, listener.signal]);
  await using opened = openContext(settings);
  const { context } = opened;
  if (isLocalName(ref)) {
    const local = await describeLocalName(ref, localFilesOf(context), signal);
    const { path } = local;
    const judged = { what: ref, names: parseRef(ref).tags(), from: path, file: { path } };
    await opened.trust.require(judged, signal);
    return Info.of(infoOfLocal(local, ref), undefined, opened.trust);
  }
  const credentials = opened.given.of(settings.credentials, registryOf(ref), (message) => {
    listener.onEvent({ kind: "warning", message });
  });
  const directory = resolve(location);
  await makeDirectories(directory, 0o777);
  const { cacheDirectory, cacheBytes: maxBytes = USUAL_CACHE_BYTES } = settings;
  const cache =
    cacheDirectory === undefined ? undefined : { directory: resolve(cacheDirectory), maxBytes };
  const file = await pullToFile(
    directory,
    (id) => join(directory, id),
    ref,
    context,
    {
      ...settings,
      jobs: settings.jobs ?? defaultJobs(availableParallelism()),
      cache,
      credentials,
      libraryToken: libraryTokenOf(ref, settings.credentials),
      onEvent: listener.onEvent,
      // The name is the hash of the content: what is there is replaced by the same bytes.
      force: true,
    },
    signal,
  );
  const { from } = file;
  const kept = (): Promise<typeof file.kept> => Promise.resolve(file.kept);
  return Info.of(infoOfFile(file), undefined, opened.trust, { from, kept });
}

/** What `libraryInfo` may be told; everything has a usual value. */
export interface LibrarySettings extends Stoppable, SourceSettings {
  /** An `identityToken` for the library of the reference, and for no other host. */
  readonly auth?: AuthConfig;
  /** Absent: Linux on this machine's architecture. */
  readonly platform?: Platform;
}

/**
 * Asks a library what image a reference means now, without fetching anything of it.
 *
 * @param ref - `library://[HOST/]entity/collection/container[:tag]` or `cloud.sylabs.io/…`
 * @returns id and sha256 (of the SIF file), size in bytes and names, without a path and without an OCI
 *   configuration
 * @throws ImageError `NOT_LIBRARY` for a reference of another family, `NOT_FOUND`, `PLATFORM_NOT_FOUND`,
 *   `REFERENCE_INVALID`; LibraryError (`LIBRARY_UNVERIFIED` where the library does not say it all),
 *   HttpError, ContentError, CredentialError; the signal's reason when aborted
 */
export async function libraryInfo(ref: string, settings: LibrarySettings = {}): Promise<Info> {
  const { signal = new AbortController().signal, auth } = settings;
  const name = libraryNameOf(ref);
  await using opened = openContext(settings);
  const { libraries, hostPlatform: own } = opened.context;
  const { architecture } = normalizePlatform(settings.platform ?? own);
  const token = libraryTokenOf(ref, auth);
  const { digest, size } = await (
    await libraries()
  ).describe(name, { architecture, token }, signal);
  const fields = {
    id: digestHex(digest),
    size,
    path: "",
    ref: parseRef(ref),
    origin: "sif",
  } as const;
  return new Info(fields, undefined, opened.trust);
}

/**
 * Opens the store in `directory`, making it where there is none.
 *
 * @returns a store that the caller closes
 * @throws StoreError `STORE_UNAVAILABLE` (cannot be made or opened), `STORE_READ_ONLY` (may not be
 *   written, and `readOnly` was not asked for), `STORE_SCHEMA` (written by a newer version),
 *   `STORE_DAMAGED`, `STORE_BUSY`, `NO_SPACE`
 */
export async function openStore(
  directory: string,
  settings: StoreSettings = {},
): Promise<ImageStore> {
  const root = resolve(directory);
  const bootId = (await readFile(BOOT_ID, "utf8")).trim();
  const readOnly = settings.readOnly ?? false;
  const place = { directory: root, readOnly, host: hostname(), bootId };
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openImages({ ...place, now: Date.now }));
  const opened = openContext(settings);
  const { trust } = opened;
  await recoverStore(store, { now: Date.now(), trust }, new AbortController().signal);
  opening.move();
  const maxBytes = settings.cacheBytes ?? USUAL_CACHE_BYTES;
  const cache = { directory: join(root, "packs"), maxBytes };
  const defaults = { jobs: defaultJobs(availableParallelism()), cache };
  return new ImageStore({
    store,
    context: opened.context,
    given: opened.given,
    trust: opened.trust,
    defaults,
    close: async () => {
      await opened[Symbol.asyncDispose]();
    },
  });
}

/** Changes with every start of the machine. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const USUAL_CACHE_BYTES = 1024 ** 3;

interface OpenedContext extends AsyncDisposable {
  readonly context: PullContext;
  readonly given: GivenCredentials;
  readonly trust: Trust;
}

function openContext(settings: SourceSettings): OpenedContext {
  const trust = openTrust(settings.trust);
  const client = new HttpClient({
    userAgent: `siflet/${VERSION}`,
    plainHttpHosts: settings.plainHttp ?? [],
    clock: systemClock,
    random: Math.random,
    proxyEnv: process.env,
    serverNamedAddresses: settings.serverNamedAddresses ?? [],
    timeouts: {
      ...DEFAULT_TIMEOUTS,
      idleMs: settings.idleMs ?? DEFAULT_TIMEOUTS.idleMs,
      minBytesPerSecond: settings.minBytesPerSecond ?? DEFAULT_TIMEOUTS.minBytesPerSecond,
    },
  });
  const limits = { ...DEFAULT_LIMITS, ...settings.limits };
  const { authFile, tokenRealms = {}, mirrorLogins = {} } = settings;
  const { homeDirectory: home } = surroundings();
  const hosts = new ConfiguredHosts({
    client,
    directories: settings.registryDirectories ?? [],
    ...(settings.obeyBlocked === true && {
      registriesConf: registriesConfPlaces(home, process.env),
    }),
  });
  const credentials = findableCredentials(
    { authFile: authFile === undefined ? undefined : { path: authFile, namedBy: "authFile" } },
    // Not by `...`, which would ask for a directory that may be gone.
    Object.assign(surroundings(), { userId: process.geteuid?.() ?? 0 }),
  );
  const transfers = new Transfers(client, { ...DEFAULT_TRANSFERS, ...settings.transfers });
  const realmsOf = hostsListedIn(tokenRealms);
  const registries = new Registries({ client, limits, hosts, credentials, realmsOf, transfers });
  const libraryHosts = new ConfiguredLibraries({
    client,
    settings: librarySettingsOf(settings),
    remoteFiles: usualRemoteFiles(process.env, home),
    variables: process.env,
    userId: process.geteuid?.() ?? 0,
  });
  const libraries = new Libraries({ client, limits, transfers, registries, hosts: libraryHosts });
  return {
    given: new GivenCredentials(credentials, hostsListedIn(mirrorLogins)),
    context: {
      registries,
      libraries: () => Promise.resolve(libraries),
      limits,
      hostPlatform: hostPlatform(process.arch),
      localFiles: {
        directories: settings.localDirectories,
        aliases: settings.localAliases ?? {},
      },
      archives: {
        // Asked for when needed: there are processes whose directory is gone.
        get workingDirectory() {
          return process.cwd();
        },
      },
      trust,
      now: Date.now,
    },
    trust,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
    },
  };
}

/** What of the process says where its user keeps things. */
function surroundings(): KeySurroundings {
  return {
    variables: process.env,
    // Asked for when needed: there are processes whose directory is gone.
    get workingDirectory() {
      return process.cwd();
    },
    homeDirectory: homeDirectory(process.env["HOME"], () => userInfo().homedir),
  };
}

/** Larger than any key, chain of certificates or keyring. */
const MAX_KEY_BYTES = 64 * 1024 * 1024;

function openTrust({
  keyrings,
  names = {},
  legacyInsecure = false,
  policyJson,
  ...rule
}: TrustSettings = {}): Trust {
  const read = async (path: string): Promise<Buffer> => {
    const bytes = await readAtMost(path, MAX_KEY_BYTES);
    if (bytes === undefined) throw new Error(`${path}: expected at most ${MAX_KEY_BYTES} bytes`);
    return bytes;
  };
  const readText = async (path: string): Promise<string> => (await read(path)).toString();
  return new Trust({
    policy: { ...DEFAULT_POLICY, rule: { ...DEFAULT_POLICY.rule, ...rule }, names, legacyInsecure },
    keys:
      keyrings?.map((path) => new KeyRing(async () => await readKeys(await read(path), path))) ??
      keyRings(keyPlaces(surroundings())),
    readText,
    now: Date.now,
    ...(policyJson !== undefined && {
      containers: async () =>
        await readContainersPolicy(policyJson, {
          readText,
          listDirectory: readdir,
          homeDirectory: surroundings().homeDirectory,
        }),
    }),
  });
}
