import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileSize, isErrno } from "../base/index.ts";
import type { Descriptor } from "../image/index.ts";

const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** The partial blobs beside a cache of converted layers, which does not look at dotted names. */
export function partialsDirectory(cacheDirectory: string): string {
  return join(cacheDirectory, ".partials");
}

/**
 * Large blobs that a source did not deliver to the end, kept for a day: the next pull asks it for the
 * rest. They are of one source alone, for another one that knows no more than the digest must not be
 * asked for the last byte of what it may not have. Whoever uses one holds the claim on its layer.
 */
export class Partials {
  readonly #directory: string;
  readonly #owner: string;
  readonly #now: () => number;
  #swept: Promise<void> | undefined;

  /**
   * @param directory - made when it is needed
   * @param owner - the store that pulls and the source that delivers
   * @param now - milliseconds since 1970
   */
  constructor(directory: string, owner: string, now: () => number) {
    this.#directory = directory;
    this.#owner = owner;
    this.#now = now;
  }

  /**
   * The file for the bytes of a blob, and how many of them it holds: less than all, so that the source
   * is asked again; undefined where others could have put it there. System errors come as they are.
   *
   * @param use - what else the caller's claim is for, so that nobody without it has the same file
   */
  async open(
    { digest, size }: Descriptor,
    use: string,
  ): Promise<{ path: string; bytes: number } | undefined> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (!(await isOursAlone(this.#directory))) return undefined;
    this.#swept ??= this.#sweep();
    await this.#swept;
    const name = createHash("sha256").update(`${this.#owner} ${use} ${digest}`).digest("hex");
    const path = join(this.#directory, `${name}.blob`);
    return { path, bytes: Math.min(await fileSize(path), size - 1) };
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (this.#now() - (await timeOf(path)) > MAX_AGE_MS) await rm(path, { force: true });
    }
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
