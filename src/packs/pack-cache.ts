import { link, readdir, rm, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { isErrno, makeDirectories } from "../base/index.ts";
import type { Digest } from "../image/index.ts";
import { checkPack } from "./check-pack.ts";
import { PackError } from "./pack-error.ts";
import { Pack } from "./pack.ts";

/** Which conversion of which layer. */
export interface PackKey {
  readonly diffId: Digest;
  /** Id of the codec settings. */
  readonly codec: string;
}

export interface PackCacheOptions {
  /** Made when the first pack is kept. */
  readonly directory: string;
  /** Most bytes of all packs; 0 keeps none. */
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Kept {
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
}

const NAME = /^[0-9a-f]{64}\.pack$/;

/**
 * Converted layers that are kept for the next image, least recently used first out. Files are named
 * by codec and diffID; several processes may use one directory. Nothing in it is trusted: a pack of
 * another user is never used, a pack is checked when it is opened and every block when it is read,
 * and what does not fit is thrown away.
 *
 * All methods throw the system's errors as they are: whoever pulls can do without a cache.
 */
export class PackCache {
  readonly directory: string;
  readonly maxBytes: number;
  readonly #now: () => number;

  constructor(options: PackCacheOptions) {
    this.directory = options.directory;
    this.maxBytes = options.maxBytes;
    this.#now = options.now;
  }

  /**
   * Gives the pack of `key` the name `to` as well, in the same file system, so that it stays while
   * the caller uses it. One that is damaged, of something else or of somebody else is discarded.
   *
   * @param options.checksAll - reads the whole pack, where otherwise its tables tell enough
   * @returns whether `to` is there now
   */
  async take(key: PackKey, to: string, options: { readonly checksAll: boolean }): Promise<boolean> {
    try {
      await link(this.#pathOf(key), to);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return false;
      throw error;
    }
    if (!(await isOurs(to)) || !(await isPackOf(to, key, options.checksAll))) {
      await rm(to, { force: true });
      await this.discard(key);
      return false;
    }
    const seconds = this.#now() / 1000;
    await utimes(to, seconds, seconds);
    return true;
  }

  /** Whether a pack lies there under that name; `take` may find it to be none. */
  async has(key: PackKey): Promise<boolean> {
    return (await statOf(this.#pathOf(key))) !== undefined;
  }

  /** Keeps the finished pack at `from`, if there is room for it, and makes that room. */
  async put(key: PackKey, from: string): Promise<void> {
    const bytes = (await stat(from)).size;
    if (bytes > this.maxBytes) return;
    const path = this.#pathOf(key);
    await makeDirectories(join(path, ".."), 0o700);
    await this.evict(this.maxBytes - bytes);
    try {
      await link(from, path);
    } catch (error) {
      // Another process has just kept the same conversion of the same layer.
      if (!isErrno(error, "EEXIST")) throw error;
    }
  }

  async discard(key: PackKey): Promise<void> {
    try {
      await rm(this.#pathOf(key), { force: true });
    } catch (error) {
      // Somebody else's, where only its owner may remove a file: it stays, and stays unused.
      if (!isErrno(error, "EACCES", "EPERM")) throw error;
    }
  }

  /**
   * Removes packs, least recently used first, until no more than `most` bytes are left.
   *
   * @returns bytes removed
   */
  async evict(most: number): Promise<number> {
    const kept = await this.#list();
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    const before = total;
    for (const { path, bytes } of kept.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= most) break;
      try {
        await unlink(path);
      } catch (error) {
        // Somebody else's, where only its owner may remove a file.
        if (isErrno(error, "EACCES", "EPERM")) continue;
        if (!isErrno(error, "ENOENT")) throw error;
      }
      total -= bytes;
    }
    return before - total;
  }

  /** What is kept now. */
  async usage(): Promise<{ readonly packs: number; readonly bytes: number }> {
    const kept = await this.#list();
    return { packs: kept.length, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  async #list(): Promise<Kept[]> {
    const kept: Kept[] = [];
    for (const codec of await namesIn(this.directory)) {
      if (codec.startsWith(".")) continue;
      for (const name of await namesIn(join(this.directory, codec))) {
        if (!NAME.test(name)) continue;
        const path = join(this.directory, codec, name);
        const facts = await statOf(path);
        if (facts !== undefined) kept.push({ path, bytes: facts.size, usedAt: facts.mtimeMs });
      }
    }
    return kept;
  }

  #pathOf({ diffId, codec }: PackKey): string {
    return join(this.directory, codec.replaceAll(/[^a-z0-9+]/g, "-"), `${diffId.slice(7)}.pack`);
  }
}

/** What others wrote could hold anything: there is no telling from a pack what its layer was. */
async function isOurs(path: string): Promise<boolean> {
  return (await stat(path)).uid === process.geteuid?.();
}

/** Whether the file is a pack of that layer and codec: by its tables, or by all that is in it. */
async function isPackOf(path: string, key: PackKey, checksAll: boolean): Promise<boolean> {
  try {
    using pack = new Pack(path);
    const { diffId, codec } = pack.tables.identity;
    if (diffId !== key.diffId || codec !== key.codec) return false;
    if (checksAll) await checkPack(pack);
    return true;
  } catch (error) {
    if (error instanceof PackError) return false;
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

async function statOf(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
