import { createHash } from "node:crypto";
import { lstat, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileSize, isErrno, makeDirectories } from "../base/index.ts";
import type { Descriptor } from "../image/index.ts";
import { isMarkOfDead, newProcessMark } from "./process-mark.ts";

const MAX_AGE_MS = 24 * 60 * 60 * 1000;
/** Longer than a live pull waits between two bytes, with all its tries. */
const MAX_QUIET_MS = 15 * 60 * 1000;
const SUFFIX = ".blob";

/** The partial blobs beside a cache of converted layers, which does not look at dotted names. */
export function partialsDirectory(cacheDirectory: string): string {
  return join(cacheDirectory, ".partials");
}

/** A file for the bytes of a blob; disposing of it leaves what is still there to the next pull. */
export interface PartialBlob extends AsyncDisposable {
  readonly path: string;
  /** How many bytes it holds: less than all, so that the source is asked again. */
  readonly bytes: number;
}

/** Whose partial blobs are meant. */
export interface PartialsOwner {
  /** The store or the files that are pulled to, and the source that delivers. */
  readonly name: string;
  /** Whether whoever uses one holds the claim on its layer, so that nobody else uses it. */
  readonly isClaimed: boolean;
}

/**
 * Large blobs that a source did not deliver to the end, kept for a day: the next pull asks it for the
 * rest. They are of one source alone, for another one that knows no more than the digest must not be
 * asked for the last byte of what it may not have.
 *
 * Where no claim keeps two pulls from writing one file, each has a file of its own, which bears the
 * mark of its process. What nobody uses any more is taken over by renaming it: one alone succeeds.
 */
export class Partials {
  readonly #directory: string;
  readonly #owner: PartialsOwner;
  readonly #now: () => number;
  #swept: Promise<void> | undefined;

  /**
   * @param directory - made when it is needed
   * @param now - milliseconds since 1970
   */
  constructor(directory: string, owner: PartialsOwner, now: () => number) {
    this.#directory = directory;
    this.#owner = owner;
    this.#now = now;
  }

  /**
   * The file for the bytes of a blob, with those that an earlier pull left; undefined where others
   * could have put it there. System errors come as they are.
   *
   * @param use - what else the caller's claim is for, so that nobody without it has the same file
   */
  async open({ digest, size }: Descriptor, use: string): Promise<PartialBlob | undefined> {
    await makeDirectories(this.#directory, 0o700);
    if (!(await isOursAlone(this.#directory))) return undefined;
    this.#swept ??= this.#sweep();
    await this.#swept;
    const owner = this.#owner.name;
    const name = createHash("sha256").update(`${owner} ${use} ${digest}`).digest("hex");
    const left = join(this.#directory, `${name}${SUFFIX}`);
    const path = this.#owner.isClaimed ? left : await this.#takeOver(name);
    return {
      path,
      bytes: Math.min(await fileSize(path), size - 1),
      async [Symbol.asyncDispose]() {
        if (path !== left) await renamed(path, left);
      },
    };
  }

  /** A file of our own: one that nobody uses where there is one, else none yet. */
  async #takeOver(name: string): Promise<string> {
    const own = join(this.#directory, `${name}-${await newProcessMark()}${SUFFIX}`);
    if (await renamed(join(this.#directory, `${name}${SUFFIX}`), own)) return own;
    const now = this.#now();
    for (const other of await readdir(this.#directory)) {
      if (!other.startsWith(`${name}-`) || !other.endsWith(SUFFIX)) continue;
      const path = join(this.#directory, other);
      const mark = other.slice(name.length + 1, -SUFFIX.length);
      const isDead = await isMarkOfDead(mark, path, { now, maxQuietMs: MAX_QUIET_MS });
      if (isDead === true && (await renamed(path, own))) return own;
    }
    return own;
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (this.#now() - (await timeOf(path)) > MAX_AGE_MS) await rm(path, { force: true });
    }
  }
}

/** @returns whether the file was there */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** A cache may be shared with other users: what they could write, or link elsewhere, is not used. */
async function isOursAlone(directory: string): Promise<boolean> {
  const facts = await lstat(directory);
  return facts.isDirectory() && facts.uid === process.geteuid?.() && (facts.mode & 0o022) === 0;
}

/** When it last grew; never, where another process has just removed it. */
async function timeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return Infinity;
    throw error;
  }
}
