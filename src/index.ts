import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { DEFAULT_LIMITS } from "./base/index.ts";
import { defaultJobs } from "./config/index.ts";
import { HttpClient, systemClock } from "./http/index.ts";
import { hostPlatform, type Info } from "./image/index.ts";
import { ImageStore, type PullWish, type SourceSettings } from "./package/index.ts";
import {
  describeLocalName,
  infoOfFile,
  infoOfLocal,
  isLocalName,
  localFilesOf,
  pullToFile,
  type PullContext,
} from "./pull/index.ts";
import { Authenticator } from "./registry/index.ts";
import { openStore as openImages } from "./store/index.ts";
import { recoverStore } from "./upkeep/index.ts";
import { VERSION } from "./version.ts";

export { CodedError, LimitError, type LimitCode, type Limits } from "./base/index.ts";
export { ConfigError, type ConfigErrorCode } from "./config/index.ts";
export { ConvertError } from "./convert/index.ts";
export { HttpError, type HttpErrorCode } from "./http/index.ts";
export {
  ContentError,
  ID_LEN,
  ImageError,
  Info,
  normalizedImageRef,
  parseRef,
  Reference,
  type Compression,
  type ImageErrorCode,
  type ImageFilter,
  type InfoJson,
  type Layout,
  type OciConfig,
  type Owners,
  type Platform,
  type ReferenceJson,
} from "./image/index.ts";
export { LayerError, type LayerErrorCode } from "./layers/index.ts";
export { PackError } from "./packs/index.ts";
export { ImageStore, type PullWish, type SourceSettings, type Stoppable } from "./package/index.ts";
export { PullError, type PullErrorCode, type PullEvent } from "./pull/index.ts";
export { RegistryError, type RegistryErrorCode } from "./registry/index.ts";
export { SifError, type SifErrorCode } from "./sif/index.ts";
export { SquashfsError, type SquashfsErrorCode } from "./squashfs/index.ts";
export { StoreError, type BorrowOptions, type StoreErrorCode } from "./store/index.ts";
export { TreeError } from "./tree/index.ts";

/** What one call of `pull` may ask for; everything has a usual value. */
export interface PullSettings extends PullWish, SourceSettings {}

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
 * @param ref - as `parseRef` reads it, of a registry or a local file
 * @returns the image: id and sha256 (of the SIF file, 64 hex digits), size in bytes, path, names
 *   (the reference and what it means now), OCI configuration
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT` (no image that can be pulled),
 *   `NOT_FOUND`, `PLATFORM_NOT_FOUND`, `MANIFEST_*`, `CONFIG_INVALID`; RegistryError, HttpError,
 *   ContentError, LayerError, TreeError, LimitError, SifError, ConvertError, PullError as
 *   `docs/errors.md` says; the signal's reason when aborted
 */
export async function pull(
  location: string,
  ref: string,
  settings: PullSettings = {},
): Promise<Info> {
  const signal = settings.signal ?? new AbortController().signal;
  await using opened = openContext(settings);
  const { context } = opened;
  if (isLocalName(ref)) {
    return infoOfLocal(await describeLocalName(ref, localFilesOf(context), signal), ref);
  }
  const directory = resolve(location);
  await mkdir(directory, { recursive: true });
  const file = await pullToFile(
    directory,
    (id) => join(directory, id),
    ref,
    context,
    {
      ...settings,
      jobs: settings.jobs ?? defaultJobs(availableParallelism()),
      onEvent: settings.onProgress ?? (() => undefined),
      // The name is the hash of the content: what is there is replaced by the same bytes.
      force: true,
    },
    signal,
  );
  return infoOfFile(file, ref);
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
  await recoverStore(store, Date.now(), new AbortController().signal);
  opening.move();
  const opened = openContext(settings);
  const maxBytes = settings.cacheBytes ?? USUAL_CACHE_BYTES;
  const cache = { directory: join(root, "packs"), maxBytes };
  const defaults = { jobs: defaultJobs(availableParallelism()), cache };
  return new ImageStore({
    store,
    context: opened.context,
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
}

function openContext(settings: SourceSettings): OpenedContext {
  const client = new HttpClient({
    userAgent: `siflet/${VERSION}`,
    plainHttpHosts: settings.plainHttp ?? [],
    clock: systemClock,
    random: Math.random,
    proxyEnv: process.env,
  });
  return {
    context: {
      client,
      authenticator: new Authenticator(client),
      limits: { ...DEFAULT_LIMITS, ...settings.limits },
      hostPlatform: hostPlatform(process.arch),
      localFiles: {
        directories: settings.localDirectories,
        aliases: settings.localAliases ?? {},
      },
      now: Date.now,
    },
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
    },
  };
}
