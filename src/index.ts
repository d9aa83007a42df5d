import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { DEFAULT_LIMITS, type Limits } from "./base/index.ts";
import { defaultJobs } from "./config/index.ts";
import { HttpClient, systemClock } from "./http/index.ts";
import {
  hostPlatform,
  type Compression,
  type Info,
  type Layout,
  type Owners,
  type Platform,
} from "./image/index.ts";
import { infoOfFile, pullToFile, type OnPullEvent, type PullContext } from "./pull/index.ts";
import { Authenticator } from "./registry/index.ts";
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
export { PullError, type PullEvent } from "./pull/index.ts";
export { RegistryError, type RegistryErrorCode } from "./registry/index.ts";
export { SifError, type SifErrorCode } from "./sif/index.ts";
export { SquashfsError, type SquashfsErrorCode } from "./squashfs/index.ts";
export { StoreError, type StoreErrorCode } from "./store/index.ts";
export { TreeError } from "./tree/index.ts";

/** What one call of `pull` may ask for; everything has a usual value. */
export interface PullSettings {
  /** Stops the pull; what it has begun is removed. */
  readonly signal?: AbortSignal;
  /** Absent: Linux on this machine's architecture. */
  readonly platform?: Platform;
  /** Absent: gzip, which every runtime reads. */
  readonly compression?: Compression;
  /** Absent: as the image says. */
  readonly owners?: Owners;
  /**
   * What is added to the image's files: for SingularityCE and Apptainer what they look for
   * (`runtime`), for runtimes that only need the OCI configuration nothing (`plain`). Absent:
   * `runtime`.
   */
  readonly layout?: Layout;
  /** Compressing threads; absent: one for each core, 8 at most. */
  readonly jobs?: number;
  /** Directory that layers over 16 MiB are spooled in; absent: beside the result. */
  readonly tmpDirectory?: string;
  /** `HOST[:PORT]` of registries that speak plain http; loopback ones need not be named. */
  readonly plainHttp?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly onProgress?: OnPullEvent;
}

/**
 * Pulls an image of an OCI registry into the directory `location`, which is made if it is not
 * there. The result is `<location>/<sha256>` and nothing else, also after a failure or an abort;
 * two processes may pull into one location at once. Proxies are those of the environment.
 *
 * @param ref - as `parseRef` reads it, and of a registry
 * @returns the image: id and sha256 (of the SIF file, 64 hex digits), size in bytes, path, names
 *   (the reference and what it means now), OCI configuration
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT` (no registry image), `NOT_FOUND`,
 *   `PLATFORM_NOT_FOUND`, `MANIFEST_*`, `CONFIG_INVALID`; RegistryError, HttpError, ContentError,
 *   LayerError, TreeError, LimitError, SifError, ConvertError, PullError as `docs/errors.md` says;
 *   the signal's reason when aborted
 */
export async function pull(
  location: string,
  ref: string,
  settings: PullSettings = {},
): Promise<Info> {
  const signal = settings.signal ?? new AbortController().signal;
  const directory = resolve(location);
  await mkdir(directory, { recursive: true });
  await using client = new HttpClient({
    userAgent: `siflet/${VERSION}`,
    plainHttpHosts: settings.plainHttp ?? [],
    clock: systemClock,
    random: Math.random,
    proxyEnv: process.env,
  });
  const context: PullContext = {
    client,
    authenticator: new Authenticator(client),
    limits: { ...DEFAULT_LIMITS, ...settings.limits },
    hostPlatform: hostPlatform(process.arch),
    now: Date.now,
  };
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
