import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../base/index.ts";
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
  readonly #origin: string;
  readonly #now: () => number;
  #swept: Promise<void> | undefined;

  /**
   * @param directory - made when it is needed
   * @param origin - the source that delivers
   * @param now - milliseconds since 1970
   */
  constructor(directory: string, origin: string, now: () => number) {
    this.#directory = directory;
    this.#origin = origin;
    this.#now = now;
  }

  /**
   * The file for the bytes of a blob, and how many of them it holds: less than all, so that the source
   * is asked again. System errors come as they are.
   */
  async open({ digest, size }: Descriptor): Promise<{ path: string; bytes: number }> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#swept ??= this.#sweep();
    await this.#swept;
    const name = createHash("sha256").update(`${this.#origin} ${digest}`).digest("hex");
    const path = join(this.#directory, `${name}.blob`);
    return { path, bytes: Math.min(await sizeOf(path), size - 1) };
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (this.#now() - (await timeOf(path)) > MAX_AGE_MS) await rm(path, { force: true });
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
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
