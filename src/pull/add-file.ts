import { join } from "node:path";
import { copyContents, hashFile, isErrno } from "../base/index.ts";
import { ImageError } from "../image/index.ts";
import type { Names, Origin, Store, StoredImage } from "../store/index.ts";
import { describeSif } from "./describe-sif.ts";
import { isSystemError, outputError, PullError } from "./pull-error.ts";

export interface AddOptions {
  /** Canonical. */
  readonly names: Names;
  /** What is recorded as where it came from: the path, or what another store knew. */
  readonly reference: string;
  readonly origin: Exclude<Origin, "local">;
  /** Whether somebody brings it by hand: no registry was ever asked who may have it. */
  readonly sideLoaded: boolean;
  /** The SHA-256 that the file must have; absent: any. */
  readonly id?: string;
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
  await copyIn(path, file, signal);
  const id = await hashFile(file, signal);
  if (options.id !== undefined && id !== options.id) {
    throw new ImageError("INFO_INVALID", `${path}: expected sha256 ${options.id}, got ${id}`);
  }
  const { size, platform, ociConfigJson } = await describeSif(file, signal);
  return await store.publish(
    {
      file,
      id,
      size,
      names: options.names,
      origin: options.origin,
      platform,
      ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
      source: { reference: options.reference, layers: [] },
      createdAt: options.now,
      ...(options.sideLoaded ? { sideLoaded: true } : {}),
    },
    signal,
  );
}

async function copyIn(path: string, file: string, signal: AbortSignal): Promise<void> {
  try {
    await copyContents(path, file, 0o600, signal);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (isErrno(error, "ENOSPC", "EDQUOT")) throw outputError(file, error);
    if (isErrno(error, "ENOENT", "ENOTDIR")) {
      throw new ImageError("NOT_FOUND", `${path}: no such file`, { cause: error });
    }
    throw new PullError("LOCAL_FILE_UNREADABLE", `cannot read ${path}: ${error.message}`, {
      cause: error,
    });
  }
}
