import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseClient } from "./database-client.ts";
import { identityOf } from "./file-identity.ts";
import type { StoreTraits } from "./operations.ts";
import { finishRemoval, IMAGES_KEY, unlinkIfThere, type StoreParts } from "./publication.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import { storeFailure } from "./store-error.ts";
import type { NewImage, StoredImage } from "./stored-image.ts";
import { storedOf } from "./stored-of.ts";

/** A file in `images/` that no record owns. */
export interface StrayFile {
  /** Of which image it is, by its name. */
  readonly id: string;
  readonly path: string;
  /** Changes with the file and its bytes. */
  readonly identity: string;
}

const IMAGE_FILE = /^([0-9a-f]{64})\.sif$/;

/** Finds and mends what a crash, a disk or somebody's hand did to a store. Throws as `Store` does. */
export class StoreRepair {
  readonly #paths: StorePaths;
  readonly #traits: StoreTraits;
  readonly #client: DatabaseClient;
  readonly #requireParts: (what: string) => StoreParts;

  /** @param requireParts - throws StoreError `STORE_READ_ONLY` where the store may only be read */
  constructor(
    paths: StorePaths,
    traits: StoreTraits,
    client: DatabaseClient,
    requireParts: (what: string) => StoreParts,
  ) {
    this.#paths = paths;
    this.#traits = traits;
    this.#client = client;
    this.#requireParts = requireParts;
  }

  /** What is wrong with the database, in SQLite's words; nothing for a sound one. */
  async integrity(): Promise<readonly string[]> {
    return await this.#client.call("integrity", undefined);
  }

  /**
   * Puts a damaged database aside and makes another one out of its last backup.
   *
   * @returns whether it was damaged
   */
  async rebuild(): Promise<boolean> {
    this.#requireParts("rebuild the database");
    return (await this.#client.call("rebuild", { traits: this.#traits })).start !== "found";
  }

  /** Files in `images/` under the name of an image that no record owns. */
  async strayFiles(): Promise<readonly StrayFile[]> {
    const { images } = this.#paths;
    const strays: StrayFile[] = [];
    try {
      const owned = new Set(await this.#client.call("ownedFiles", undefined));
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

  /**
   * Makes a stray file an image: a complete one, whose bytes the caller has checked.
   *
   * @returns undefined where the file is gone by now; the image where another process made one meanwhile
   */
  async adopt(image: NewImage, signal: AbortSignal): Promise<StoredImage | undefined> {
    const { paths, files, client, now, claims } = this.#requireParts("adopt a file");
    await using held = new AsyncDisposableStack();
    held.use(await claims.claim(IMAGES_KEY, signal));
    const known = await client.call("findById", { id: image.id, now: now() });
    if (known !== undefined) return storedOf(paths, known);
    const path = join(paths.images, imageFile(image.id));
    try {
      if ((await identityOf(path)) === undefined) return undefined;
      await files.syncFile(path);
      await files.syncDirectory(paths.images);
    } catch (error) {
      throw storeFailure(error, path);
    }
    return storedOf(paths, await client.call("commitImage", { image, now: now() }));
  }

  /**
   * Deletes a stray file whose bytes are not what its name says.
   *
   * @returns whether it is gone; not where it changed or an image owns it by now
   */
  async discard(file: StrayFile, signal: AbortSignal): Promise<boolean> {
    const { files, client, now, claims } = this.#requireParts("remove a file");
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

  /**
   * Removes image `id` whose file is missing or damaged, unless it is borrowed: the next pull puts a
   * sound file in its place.
   *
   * @param identity - `fileIdentity` of the file that was looked at, undefined for none; another one stays
   * @returns whether it was removed
   */
  async removeBroken(
    id: string,
    identity: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const parts = this.#requireParts("remove an image");
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
}
