import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../base/index.ts";

/** What a directory takes up. */
export interface Usage {
  /** Milliseconds since 1970, when it was measured. */
  readonly at: number;
  /** Bytes on the disk. */
  readonly bytes: number;
  /** Files and directories. */
  readonly inodes: number;
}

const NOTHING: Omit<Usage, "at"> = { bytes: 0, inodes: 0 };

/** How old a measure may be before the next look has it made again. */
const FRESH_MS = 30_000;
const BLOCK_BYTES = 512;

/**
 * What a store takes up, for the kubelet, which asks every few seconds and must be answered at once: the
 * last measure, which is made again in the background.
 */
export class FileSystemUsage {
  readonly directory: string;
  readonly #now: () => number;
  readonly #onFailure: (error: unknown) => void;
  #last: Usage;
  #isStale = false;
  /** Since the measure that is being made began. */
  #freed: Omit<Usage, "at"> = NOTHING;
  #measuring: Promise<void> | undefined;

  private constructor(
    directory: string,
    first: Usage,
    { now, onFailure }: { now: () => number; onFailure: (error: unknown) => void },
  ) {
    this.directory = directory;
    this.#last = first;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /**
   * Measures `directory` for the first time.
   *
   * @param options.onFailure - hears of later measures that failed; the one before stays
   */
  static async of(
    directory: string,
    options: { readonly now: () => number; readonly onFailure: (error: unknown) => void },
  ): Promise<FileSystemUsage> {
    const first = await measure(directory, options.now());
    return new FileSystemUsage(directory, first, options);
  }

  /** The last measure; a new one begins where that is old. */
  get(): Usage {
    if (this.#isStale || this.#now() - this.#last.at >= FRESH_MS) this.#measureAgain();
    return this.#last;
  }

  /** Notes that a file that took up `bytes` is gone, which counts at once. */
  freed(bytes: number): void {
    this.#last = without(this.#last, { bytes, inodes: 1 });
    this.#freed = { bytes: this.#freed.bytes + bytes, inodes: this.#freed.inodes + 1 };
    this.changed();
  }

  /** Notes that the last measure is no longer true. */
  changed(): void {
    this.#isStale = true;
  }

  /** Waits until no measure is being made. */
  async settled(): Promise<void> {
    await this.#measuring;
  }

  #measureAgain(): void {
    if (this.#measuring !== undefined) return;
    this.#isStale = false;
    this.#freed = NOTHING;
    this.#measuring = measure(this.directory, this.#now())
      .then((usage) => {
        // What went away meanwhile may have been seen before that.
        this.#last = without(usage, this.#freed);
      })
      .catch(this.#onFailure)
      .finally(() => {
        this.#measuring = undefined;
      });
  }
}

function without(usage: Usage, { bytes, inodes }: Omit<Usage, "at">): Usage {
  return {
    at: usage.at,
    bytes: Math.max(0, usage.bytes - bytes),
    inodes: Math.max(0, usage.inodes - inodes),
  };
}

async function measure(directory: string, at: number): Promise<Usage> {
  let bytes = 0;
  let inodes = 0;
  const waiting = [directory];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const entries = await entriesOf(path);
    for (const entry of [".", ...entries]) {
      const stats = await unlessGone(lstat(entry === "." ? path : join(path, entry)));
      if (stats === undefined) continue;
      if (entry !== "." && stats.isDirectory()) {
        waiting.push(join(path, entry));
        continue;
      }
      bytes += stats.blocks * BLOCK_BYTES;
      inodes += 1;
    }
  }
  return { at, bytes, inodes };
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  return (await unlessGone(readdir(directory))) ?? [];
}

/** What went away while it was looked at takes up nothing. */
async function unlessGone<Result>(look: Promise<Result>): Promise<Result | undefined> {
  try {
    return await look;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
