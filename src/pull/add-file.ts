import { join, resolve } from "node:path";
import { copyHashed, isErrno, realPath } from "../base/index.ts";
import { ImageError } from "../image/index.ts";
import type { Names, Origin, Store, StoredImage } from "../store/index.ts";
import { describeSif } from "./describe-sif.ts";
import { outputError } from "./pull-error.ts";
import { readable } from "./readable.ts";
import { namesOf, type TrustGate } from "./trust-gate.ts";

export interface AddOptions {
  /** Canonical. */
  readonly names: Names;
  /** What another store knew of where it came from; absent: it came from where it lies. */
  readonly reference?: string;
  readonly origin: Exclude<Origin, "local">;
  /** Whether somebody brings it by hand: no registry was ever asked who may have it. */
  readonly sideLoaded: boolean;
  /** The SHA-256 that the file must have; absent: any. */
  readonly id?: string;
  /** Judges it before it becomes an image; absent: nobody does. */
  readonly trust?: TrustGate | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Copies the SIF file at `path` into the store, as a reflink where the file system has them; what is
 * hashed, read and kept is the copy.
 *
 * @throws ImageError `NOT_FOUND`, `INFO_INVALID` where it has another hash than `options.id`; PullError
 *   `LOCAL_FILE_UNREADABLE`, `NO_SPACE`; SifError for what is no SIF; StoreError
 */
export async function addFile(
  store: Store,
  path: string,
  options: AddOptions,
  signal: AbortSignal,
): Promise<StoredImage> {
  await using staging = await store.stage();
  const file = join(staging.path, "added.sif");
  const real = await realPath(resolve(path));
  const id = await copyIn(real, file, signal);
  const { reference = real } = options;
  if (options.id !== undefined && id !== options.id) {
    throw new ImageError("INFO_INVALID", `${path}: expected sha256 ${options.id}, got ${id}`);
  }
  const { size, platform, ociConfigJson } = await describeSif(file, signal);
  const digests = new Map<string, string>();
  const directory = store.imagesDirectory;
  const names = namesOf(options.names);
  const judged = { path: file, directory, digests };
  await options.trust?.require({ what: path, names, from: reference, file: judged }, signal);
  const image = await store.publish(
    {
      file,
      id,
      size,
      names: options.names,
      origin: options.origin,
      platform,
      ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
      source: { reference, layers: [] },
      createdAt: options.now,
      ...(options.sideLoaded ? { sideLoaded: true } : {}),
    },
    signal,
  );
  await store.evidence.recordObjectDigests(image.id, digests);
  return image;
}

async function copyIn(path: string, file: string, signal: AbortSignal): Promise<string> {
  return await readable(path, async () => {
    try {
      return await copyHashed(path, file, 0o600, signal);
    } catch (error) {
      // The disk of the copy is full: nothing is wrong with the file.
      throw isErrno(error, "ENOSPC", "EDQUOT") ? outputError(file, error) : error;
    }
  });
}
