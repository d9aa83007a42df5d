import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseClient } from "./database-client.ts";
import { identityOf } from "./file-identity.ts";
import type { RecordedImage } from "./operations.ts";
import { finishRemoval, IMAGES_KEY, unlinkIfThere, type StoreParts } from "./publication.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import { storeFailure } from "./store-error.ts";
import type { NewImage } from "./stored-image.ts";

/**
 * Records a complete file that already lies in the store under its id and that no record owns. The
 * caller has checked its bytes.
 *
 * @returns undefined where the file is gone by now; the record where another process made one
 */
export async function adoptImage(
  parts: StoreParts,
  image: NewImage,
  signal: AbortSignal,
): Promise<RecordedImage | undefined> {
  const { paths, files, client, now } = parts;
  await using held = new AsyncDisposableStack();
  held.use(await parts.claims.claim(IMAGES_KEY, signal));
  const known = await client.call("findById", { id: image.id, now: now() });
  if (known !== undefined) return known;
  const path = join(paths.images, imageFile(image.id));
  try {
    if ((await identityOf(path)) === undefined) return undefined;
    await files.syncFile(path);
    await files.syncDirectory(paths.images);
  } catch (error) {
    throw storeFailure(error, path);
  }
  return await client.call("commitImage", { image, now: now() });
}

/**
 * Deletes a file in `images/` that no record owns and whose bytes are not what its name says.
 *
 * @param identity - of the file that was looked at; another one stays
 * @returns whether it is gone
 */
export async function discardStray(
  parts: StoreParts,
  file: StrayFile,
  signal: AbortSignal,
): Promise<boolean> {
  const { files, client, now, claims } = parts;
  await using held = new AsyncDisposableStack();
  held.use(await claims.claim(IMAGES_KEY, signal));
  if ((await client.call("findById", { id: file.id, now: now() })) !== undefined) return false;
  try {
    if ((await identityOf(file.path)) !== file.identity) return false;
    await unlinkIfThere(files, file.path);
    return true;
  } catch (error) {
    throw storeFailure(error, file.path);
  }
}

/** Files in `images/` under the name of an image that no record owns. */
export async function findStrayFiles(
  { images }: StorePaths,
  client: DatabaseClient,
): Promise<readonly StrayFile[]> {
  const strays: StrayFile[] = [];
  try {
    const owned = new Set(await client.call("ownedFiles", undefined));
    for (const name of await readdir(images)) {
      const id = IMAGE_FILE.exec(name)?.[1];
      if (id === undefined || owned.has(name)) continue;
      const path = join(images, name);
      const identity = await identityOf(path);
      if (identity !== undefined) strays.push({ id, path, identity });
    }
  } catch (error) {
    throw storeFailure(error, images);
  }
  return strays;
}

/** A file in `images/` that no record owns. */
export interface StrayFile {
  /** Of which image it is, by its name. */
  readonly id: string;
  readonly path: string;
  /** Changes with the file and its bytes. */
  readonly identity: string;
}

const IMAGE_FILE = /^([0-9a-f]{64})\.sif$/;

/**
 * Removes image `id` whose file is not, or no longer, what the record says. A borrowed one stays: the
 * next pull puts a sound file in its place.
 *
 * @param identity - of the file that was looked at, undefined for none; another one stays
 * @returns whether it was removed
 */
export async function removeBroken(
  parts: StoreParts,
  id: string,
  identity: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { paths, client, now, claims } = parts;
  await using held = new AsyncDisposableStack();
  held.use(await claims.claim(IMAGES_KEY, signal));
  const record = await client.call("findById", { id, now: now() });
  if (record === undefined || record.borrowers.length > 0) return false;
  if ((await identityOf(join(paths.images, imageFile(id)))) !== identity) return false;
  await client.call("removeImage", { id, now: now() });
  await finishRemoval(parts, imageFile(id));
  return true;
}
