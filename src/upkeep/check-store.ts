import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CodedError, fileSize, hashFile, isErrno } from "../base/index.ts";
import { describeSif, isSystemError, type TrustGate } from "../pull/index.ts";
import {
  fileIdentity,
  StoreError,
  type Store,
  type StoredImage,
  type StrayFile,
} from "../store/index.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface CheckOptions {
  /** Reads every file whole and hashes it. */
  readonly deep: boolean;
  /** Puts right what can be put right without losing anything that is fine. */
  readonly repair: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Judges a file before it becomes an image; absent: nobody does. */
  readonly trust?: TrustGate | undefined;
  /** Directory of blobs that did not come to their end, where there is one. */
  readonly partials?: string;
  /** Told before each file that is read whole. */
  readonly onFile?: (path: string, bytes: number) => void;
}

export type FaultKind =
  | "database"
  | "missing-file"
  | "wrong-size"
  | "wrong-hash"
  | "unowned-file"
  | "unowned-damaged-file"
  | "unreadable"
  | "stale-file"
  | "local-file-changed";

/** One thing that is not as it should be. */
export interface StoreFault {
  readonly kind: FaultKind;
  readonly path: string;
  /** Of the image that it is about. */
  readonly id?: string;
  /** What was expected and what came. */
  readonly text: string;
  /** What was done about it; absent where nothing was. */
  readonly repaired?: string;
}

export interface StoreCheck {
  /** Images that were looked at. */
  readonly images: number;
  /** Bytes that were hashed. */
  readonly bytesHashed: number;
  readonly faults: readonly StoreFault[];
}

/**
 * Compares what the database says with what is there. Nothing that is fine is ever deleted: a file
 * without a record becomes an image when its bytes are what its name says, a record without its file
 * goes, so that the next pull brings the image back, and so does a damaged file. What is borrowed
 * stays, whatever it looks like.
 *
 * @throws StoreError; the signal's reason
 */
export async function checkStore(
  store: Store,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<StoreCheck> {
  return await new Check(store, options, signal).run();
}

/**
 * Brings a store whose database was made again in line with its files; does nothing to any other.
 *
 * @returns what was put right, or could not be; undefined for another store
 */
export async function recoverStore(
  store: Store,
  options: Pick<CheckOptions, "now" | "trust">,
  signal: AbortSignal,
): Promise<StoreCheck | undefined> {
  if (!store.wasRebuilt) return undefined;
  return await checkStore(store, { deep: false, repair: true, ...options }, signal);
}

/** What is wrong with the file of an image. */
interface BadFile extends Pick<StoreFault, "kind" | "text"> {
  /** Of the file that was looked at; undefined where there is none. */
  readonly identity: string | undefined;
}

class Check {
  readonly #store: Store;
  readonly #options: CheckOptions;
  readonly #signal: AbortSignal;
  readonly #faults: StoreFault[] = [];
  #bytesHashed = 0;

  constructor(store: Store, options: CheckOptions, signal: AbortSignal) {
    this.#store = store;
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<StoreCheck> {
    await this.#checkDatabase();
    const images = await this.#store.list();
    for (const image of images) {
      this.#signal.throwIfAborted();
      await (image.origin === "local" ? this.#checkLocal(image) : this.#checkImage(image));
    }
    for (const file of await this.#store.repair.strayFiles()) {
      this.#signal.throwIfAborted();
      await this.#checkStray(file);
    }
    await this.#checkPartials();
    return { images: images.length, bytesHashed: this.#bytesHashed, faults: this.#faults };
  }

  async #checkDatabase(): Promise<void> {
    const found = await this.#integrity();
    if (found.length === 0) return;
    const isMade = this.#options.repair && (await this.#store.repair.rebuild());
    for (const text of found) {
      const fault: StoreFault = { kind: "database", path: this.#store.directory, text };
      this.#note(fault, isMade ? "made again out of its backup" : undefined);
    }
  }

  async #integrity(): Promise<readonly string[]> {
    try {
      return await this.#store.repair.integrity();
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== "STORE_DAMAGED") throw error;
      return [error.message];
    }
  }

  async #checkImage(image: StoredImage): Promise<void> {
    const bad = await this.#badFile(image);
    if (bad === undefined) return;
    const { kind, text, identity } = bad;
    const { id, path, borrowers } = image;
    const fault: StoreFault = { kind, path, id, text };
    if (!this.#options.repair) {
      this.#faults.push(fault);
    } else if (await this.#store.repair.removeBroken(id, identity, this.#signal)) {
      this.#faults.push({ ...fault, repaired: "removed; pull it again" });
    } else if (borrowers.length > 0) {
      const users = borrowers.map(({ who }) => who).join(", ");
      this.#faults.push({ ...fault, text: `${text}; used by ${users}: pull it again` });
    }
  }

  async #badFile({ id, size, path }: StoredImage): Promise<BadFile | undefined> {
    const identity = await fileIdentity(path);
    if (identity === undefined) {
      return { kind: "missing-file", text: "expected a file, got none", identity };
    }
    const got = await fileSize(path);
    if (got !== size) {
      return { kind: "wrong-size", text: `expected ${size} bytes, got ${got}`, identity };
    }
    if (!this.#options.deep) return undefined;
    const hash = await this.#hash(path, size, id);
    if (hash === undefined || hash === id) return undefined;
    return { kind: "wrong-hash", text: `expected sha256 ${id}, got ${hash}`, identity };
  }

  async #checkLocal({ id, localFiles }: StoredImage): Promise<void> {
    for (const { path, identity } of localFiles) {
      if ((await fileIdentity(path)) === identity) continue;
      const text = "changed or is gone since it was recorded; it is hashed again when it is used";
      this.#faults.push({ kind: "local-file-changed", path, id, text });
    }
  }

  async #checkStray(file: StrayFile): Promise<void> {
    const { id, path } = file;
    const bytes = await fileSize(path);
    const hash = await this.#hash(path, bytes, id);
    if (hash === undefined) return;
    if (hash !== id) {
      const text = `no image's, and expected sha256 ${id}, got ${hash}`;
      const isGone = this.#options.repair && (await this.#store.repair.discard(file, this.#signal));
      this.#note({ kind: "unowned-damaged-file", path, id, text }, isGone ? "removed" : undefined);
      return;
    }
    const text = "a complete image without a record";
    const repaired = this.#options.repair ? await this.#adopt(file) : undefined;
    this.#note({ kind: "unowned-file", path, id, text }, repaired);
  }

  /** What is younger may be taken up by the next pull. */
  async #checkPartials(): Promise<void> {
    const { partials, now, repair } = this.#options;
    if (partials === undefined) return;
    for (const path of await olderThanADay(partials, now)) {
      if (repair) await rm(path, { force: true });
      const text = "part of a blob that nobody took up for a day";
      this.#note({ kind: "stale-file", path, text }, repair ? "removed" : undefined);
    }
  }

  #note(fault: StoreFault, repaired: string | undefined): void {
    this.#faults.push({ ...fault, ...(repaired === undefined ? {} : { repaired }) });
  }

  async #adopt({ id, path }: StrayFile): Promise<string | undefined> {
    try {
      const { size, platform, ociConfigJson } = await describeSif(path, this.#signal);
      const judged = { what: path, names: [], from: path, file: { path } };
      await this.#options.trust?.require(judged, this.#signal);
      const source = { reference: path, layers: [] };
      const image = await this.#store.repair.adopt(
        {
          id,
          size,
          names: { tags: [], digests: [] },
          origin: "sif",
          platform,
          ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
          source,
          createdAt: this.#options.now,
        },
        this.#signal,
      );
      return image && "made an image without a name";
    } catch (error) {
      // Whole by its hash and yet no SIF that we read, or that we trust: it is somebody's, and stays.
      if (error instanceof CodedError) return undefined;
      throw error;
    }
  }

  /** Undefined where it cannot be read, which is noted, or is gone by now. */
  async #hash(path: string, bytes: number, id: string): Promise<string | undefined> {
    this.#options.onFile?.(path, bytes);
    try {
      const hash = await hashFile(path, this.#signal);
      this.#bytesHashed += bytes;
      return hash;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (!isErrno(error, "ENOENT")) {
        this.#note({ kind: "unreadable", path, id, text: error.message }, undefined);
      }
      return undefined;
    }
  }
}

async function olderThanADay(directory: string, now: number): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    const paths = names.map((name) => join(directory, name));
    const times = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs));
    return paths.filter((_path, index) => now - (times[index] ?? now) > DAY_MS);
  } catch (error) {
    // None there, one that a pull has just finished, or only its owner may look.
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}
