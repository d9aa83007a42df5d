import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { Uint32List, writeFully } from "../base/index.ts";
import type { CompressedBatch } from "../codec/index.ts";
import {
  formatPackTables,
  type DataSegment,
  type LogSegment,
  type PackTables,
} from "./pack-tables.ts";

/** Bytes of log that may wait for the disk before the layer has to. */
const MOST_QUEUED_LOG = 4 * 1024 * 1024;

/** Appends blocks and stretches of log to a pack file in the order of the calls. */
export class PackWriter {
  readonly #file: FileHandle;
  readonly #sizes = new Uint32List();
  readonly #checksums = new Uint32List();
  readonly #data: DataSegment[] = [];
  readonly #log: LogSegment[] = [];
  #position = 0;
  #queuedLog = 0;
  #queue: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Queues the blocks of `batch`. `release` is called once in any case: with the batch when its
   * buffers may be used again, without it when they are lost.
   */
  appendBlocks(
    batch: Promise<CompressedBatch>,
    release: (batch: CompressedBatch | undefined) => void,
  ): void {
    // A batch behind a failed one is never awaited: its own failure must not go unheard.
    const settled = batch.catch(() => undefined);
    this.#enqueue(async () => {
      const done = await batch;
      this.#data.push({ firstBlock: this.#sizes.length, position: this.#position });
      this.#sizes.pushAll(done.sizes);
      this.#checksums.pushAll(done.checksums);
      await this.#append(new Uint8Array(done.output, 0, done.bytes));
    });
    this.#queue = this.#queue.then(async () => {
      release(await settled);
    });
  }

  /** Queues a stretch of whole records; `bytes` must not be changed afterwards. */
  appendLog(bytes: Uint8Array): void {
    const checksum = crc32(bytes);
    this.#queuedLog += bytes.length;
    this.#enqueue(async () => {
      this.#log.push({ position: this.#position, bytes: bytes.length, checksum });
      await this.#append(bytes);
      this.#queuedLog -= bytes.length;
    });
  }

  /** Waits for the disk where more log is queued than may be: a million entries have no blocks. */
  async settled(): Promise<void> {
    if (this.#queuedLog > MOST_QUEUED_LOG) await this.#queue;
  }

  /** Throws the first failure of anything queued so far, without waiting for the rest. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Writes what is queued, then the tables; the file is complete but not synchronised. */
  async finish(
    rest: Pick<PackTables, "identity" | "fragments" | "entries" | "hasWhiteouts" | "contentBytes">,
  ): Promise<void> {
    await this.#queue;
    this.check();
    await this.#append(
      formatPackTables({
        sizes: this.#sizes.view(),
        checksums: this.#checksums.view(),
        data: this.#data,
        log: this.#log,
        ...rest,
      }),
    );
  }

  /** Waits until nothing queued is running, whether it failed or not. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        await work();
      } catch (error) {
        this.#failure = { error };
      }
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await writeFully(this.#file, bytes, this.#position);
    this.#position += bytes.length;
  }
}
