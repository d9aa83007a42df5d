import { hashFile, isErrno } from "../base/index.ts";
import { chmod, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ContentError } from "../image/index.ts";
import type { Claims } from "./claims.ts";
import type { DatabaseClient } from "./database-client.ts";
import type { RecordedImage } from "./operations.ts";
import { identityOf } from "./file-identity.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import { storeFailure } from "./store-error.ts";
import type { StoreFiles } from "./store-files.ts";
import type { Publication } from "./stored-image.ts";

/** What publication and removal work on. */
export interface StoreParts {
  readonly paths: StorePaths;
  readonly files: StoreFiles;
  readonly claims: Claims;
  readonly client: DatabaseClient;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Held whenever files and records of images change together: else one process could delete the
 * file that another one has just put there and not yet recorded. One key for all images: the time
 * it is held is that of a rename and a commit.
 */
export const IMAGES_KEY = "images";

/**
 * Makes a verified file an image: fsync → rename → fsync of the directory → commit. A crash
 * between any two leaves the old state, at worst with a file that no record owns.
 */
export async function publishImage(
  parts: StoreParts,
  publication: Publication,
  signal: AbortSignal,
): Promise<RecordedImage> {
  const { file, ...image } = publication;
  const { paths, files, client, now } = parts;
  const target = join(paths.images, imageFile(image.id));
  try {
    await requireSize(file, image.size);
    await chmod(file, 0o644);
    await files.syncFile(file);
    // Before the claim, for it reads the whole file.
    const sound = await findSound(target, image, signal);
    await using held = new AsyncDisposableStack();
    held.use(await parts.claims.claim(IMAGES_KEY, signal));
    signal.throwIfAborted();
    const keep = sound !== undefined && sound === (await identityOf(target));
    if (!keep) await files.rename(file, target);
    try {
      // Also of a file that was there: who put it there may have died before this step.
      await files.syncDirectory(paths.images);
      const record = await client.call("commitImage", { image, now: now() });
      if (keep) await rm(file, { force: true });
      return record;
    } catch (error) {
      if (!keep) await withdraw(parts, image.id);
      throw error;
    }
  } catch (error) {
    throw storeFailure(error, `store ${paths.root}: image ${image.id}`);
  }
}

/** Deletes the file of a publication that failed, unless a record owns it. */
async function withdraw({ paths, files, client, now }: StoreParts, id: string): Promise<void> {
  try {
    if ((await client.call("findById", { id, now: now() })) !== undefined) return;
    await files.unlink(join(paths.images, imageFile(id)));
  } catch {
    // The failure that brought us here is the one to report; a file without a record hurts nobody.
  }
}

/**
 * Removes an image that nobody borrows: record and names, leaving a tombstone, in one
 * transaction; then the file; then the tombstone.
 */
export async function removeImage(
  parts: StoreParts,
  id: string,
  signal: AbortSignal,
): Promise<RecordedImage> {
  await using held = new AsyncDisposableStack();
  held.use(await parts.claims.claim(IMAGES_KEY, signal));
  const image = await parts.client.call("removeImage", { id, now: parts.now() });
  await finishRemoval(parts, imageFile(id));
  return image;
}

/**
 * As `removeImage`, but undefined where the image is borrowed, pinned, gone, or used since then.
 *
 * @param usedBefore - milliseconds since 1970
 */
export async function removeIdleImage(
  parts: StoreParts,
  id: string,
  usedBefore: number,
  signal: AbortSignal,
): Promise<RecordedImage | undefined> {
  await using held = new AsyncDisposableStack();
  held.use(await parts.claims.claim(IMAGES_KEY, signal));
  const request = { id, usedBefore, now: parts.now() };
  const image = await parts.client.call("removeIdle", request);
  if (image !== undefined) await finishRemoval(parts, imageFile(id));
  return image;
}

/**
 * Finishes removals whose process died on the way. Where another process is publishing or
 * removing right now, it is left to that one or to the next start.
 */
export async function finishRemovals(parts: StoreParts): Promise<void> {
  if ((await parts.client.call("tombstones", undefined)).length === 0) return;
  await using claim = await parts.claims.tryClaim(IMAGES_KEY);
  if (claim === undefined) return;
  // Asked again, for what was seen before the claim may be done by now.
  for (const file of await parts.client.call("tombstones", undefined)) {
    await finishRemoval(parts, file);
  }
}

/** Deletes the file of a removed image, then the tombstone. */
export async function finishRemoval(
  { paths, files, client }: StoreParts,
  file: string,
): Promise<void> {
  const path = join(paths.images, file);
  try {
    await unlinkIfThere(files, path);
    await files.syncDirectory(paths.images);
  } catch (error) {
    throw storeFailure(error, path);
  }
  await client.call("dropTombstone", { file });
}

export async function unlinkIfThere(files: StoreFiles, path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

async function requireSize(file: string, size: number): Promise<void> {
  const got = (await stat(file)).size;
  if (got === size) return;
  throw new ContentError("CONTENT_SIZE_MISMATCH", `${file}: expected ${size} bytes, got ${got}`);
}

/** The identity of the file at `path` when it has the size and the hash of the image. */
async function findSound(
  path: string,
  image: { readonly id: string; readonly size: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const before = await identityOf(path);
  if (before === undefined) return undefined;
  if ((await stat(path)).size !== image.size) return undefined;
  return (await hashFile(path, signal)) === image.id ? before : undefined;
}
