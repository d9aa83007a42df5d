import type { UsagePart } from "../store/index.ts";

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

/** What a directory and all below it take up, in parts; whatever thread it is that looks. */
type UsageOf = (directory: string) => AsyncIterable<Pick<UsagePart, "bytes" | "inodes">>;

/** What a `FileSystemUsage` needs. */
export interface UsageOptions {
  readonly now: () => number;
  /**
   * Looks at the files. 10,000 of them one by one would keep the event loop, which answers calls, half a second
   * busy for each measure, and their names alone some milliseconds.
   */
  readonly usageOf: UsageOf;
  /** Hears of later measures that failed; the one before stays. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * What a store takes up, for the kubelet, which asks every few seconds and must be answered at once: the
 * last measure, which is made again in the background.
 */
export class FileSystemUsage {
  readonly directory: string;
  readonly #options: UsageOptions;
  #last: Usage;
  #isStale = false;
  /** Since the measure that is being made began. */
  #freed: Omit<Usage, "at"> = NOTHING;
  #measuring: Promise<void> | undefined;

  private constructor(directory: string, first: Usage, options: UsageOptions) {
    this.directory = directory;
    this.#last = first;
    this.#options = options;
  }

  /** Measures `directory` for the first time. */
  static async of(directory: string, options: UsageOptions): Promise<FileSystemUsage> {
    const first = await measure(directory, options.now(), options.usageOf);
    return new FileSystemUsage(directory, first, options);
  }

  /** The last measure; a new one begins where that is old. */
  get(): Usage {
    if (this.#isStale || this.#options.now() - this.#last.at >= FRESH_MS) this.#measureAgain();
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
    const { now, usageOf, onFailure } = this.#options;
    this.#measuring = measure(this.directory, now(), usageOf)
      .then((usage) => {
        // What went away meanwhile may have been seen before that.
        this.#last = without(usage, this.#freed);
      })
      .catch(onFailure)
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

async function measure(directory: string, at: number, usageOf: UsageOf): Promise<Usage> {
  let bytes = 0;
  let inodes = 0;
  for await (const part of usageOf(directory)) {
    bytes += part.bytes;
    inodes += part.inodes;
  }
  return { at, bytes, inodes };
}
