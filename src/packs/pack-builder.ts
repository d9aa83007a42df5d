import { ByteList, limitError, Uint32List, type Limits } from "../base/index.ts";
import { BATCH_BYTES, type CodecSettings, type CompressorPool } from "../codec/index.ts";
import type { TarEntry, TarSink } from "../layers/index.ts";
import type { BatchBuffer, BatchBuffers } from "./batch-buffers.ts";
import { HoleRuns } from "./hole-runs.ts";
import { writeLayerRecord, type FileData } from "./layer-record.ts";
import type { PackWriter } from "./pack-writer.ts";

const LOG_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(BATCH_BYTES);
const WHITEOUT = Buffer.from(".wh.");

export interface PackBuilderOptions {
  readonly settings: CodecSettings;
  readonly pool: Pick<CompressorPool, "compress">;
  /** Shared by all layers that one thread converts. */
  readonly buffers: BatchBuffers;
  readonly writer: PackWriter;
  readonly limits: Limits;
  /** `sha256:` and 64 hex digits; "" for what is no layer. */
  readonly diffId: string;
  /** The layer, as messages name it. */
  readonly what: string;
  readonly warn: (message: string) => void;
  /** Told of bytes of holes that have to be stored, for data shares their block. */
  readonly count: (bytes: number) => void;
}

/**
 * Cuts the files of one layer into blocks and tails, has them compressed, and logs every entry.
 * The result depends on the layer and the codec settings alone: blocks are appended in tar order,
 * whichever compressor finishes first.
 *
 * A file smaller than a block goes into a fragment block, in tar order; every other file is full
 * blocks and one short block. A block of zeros is a hole.
 */
export class PackBuilder implements TarSink {
  readonly #options: PackBuilderOptions;
  readonly #log = new ByteList(LOG_BYTES + 65_536);
  readonly #fragments = new Uint32List();
  readonly #fragment: Uint8Array;
  #fragmentUsed = 0;
  #batch: BatchBuffer | undefined;
  #batchBytes: Uint8Array = ZEROS;
  /** Bytes of whole blocks in the current batch. */
  #batchUsed = 0;
  #lengths = new Uint32List(32);
  #blocks = 0;
  #entries = 0;
  #contentBytes = 0;
  #logicalBytes = 0;
  #hasWhiteouts = false;

  // The file that is being read.
  #entry: TarEntry | undefined;
  #inFragment = false;
  #left = 0;
  #firstBlock = 0;
  #blockTarget = 0;
  #blockFilled = 0;
  #runs = new HoleRuns();

  constructor(options: PackBuilderOptions) {
    this.#options = options;
    this.#fragment = new Uint8Array(options.settings.blockSize);
  }

  entry(entry: TarEntry): void {
    const { limits, what, settings } = this.#options;
    this.#entries += 1;
    if (this.#entries > limits.entries) throw limitError(limits, "entries", what);
    this.#hasWhiteouts ||= isWhiteout(entry.path);
    if (entry.kind !== "file") {
      this.#record(entry, { kind: "empty" });
      return;
    }
    this.#logicalBytes += entry.size;
    if (this.#logicalBytes > limits.logicalBytes) throw limitError(limits, "logicalBytes", what);
    this.#entry = entry;
    this.#left = entry.size;
    this.#firstBlock = this.#blocks;
    this.#runs = new HoleRuns();
    this.#inFragment = entry.size < settings.blockSize;
    if (this.#inFragment && this.#fragmentUsed + entry.size > settings.blockSize) {
      this.#closeFragment();
      this.#firstBlock = this.#blocks;
    }
    this.#blockFilled = 0;
    this.#blockTarget = 0;
  }

  data(bytes: Uint8Array): void {
    this.#contentBytes += bytes.length;
    if (this.#inFragment) {
      this.#fragment.set(bytes, this.#fragmentUsed + this.#blockFilled);
      this.#blockFilled += bytes.length;
      return;
    }
    let from = 0;
    while (from < bytes.length) {
      if (this.#blockTarget === 0) this.#openBlock();
      const count = Math.min(bytes.length - from, this.#blockTarget - this.#blockFilled);
      this.#batchBytes.set(bytes.subarray(from, from + count), this.#batchUsed + this.#blockFilled);
      this.#blockFilled += count;
      from += count;
      if (this.#blockFilled === this.#blockTarget) this.#closeBlock();
    }
  }

  hole(length: number): void {
    if (this.#inFragment) {
      const at = this.#fragmentUsed + this.#blockFilled;
      this.#options.count(length);
      this.#fragment.fill(0, at, at + length);
      this.#blockFilled += length;
      return;
    }
    const { blockSize } = this.#options.settings;
    let left = length;
    while (left > 0) {
      if (this.#blockTarget === 0) {
        const whole = Math.floor(left / blockSize);
        const tail = left === this.#left && left % blockSize > 0 ? 1 : 0;
        if (whole + tail > 0) {
          const skipped = tail > 0 ? left : whole * blockSize;
          this.#runs.addHoles(whole + tail);
          this.#left -= skipped;
          left -= skipped;
          continue;
        }
        this.#openBlock();
      }
      const count = Math.min(left, this.#blockTarget - this.#blockFilled);
      const at = this.#batchUsed + this.#blockFilled;
      this.#options.count(count);
      this.#batchBytes.fill(0, at, at + count);
      this.#blockFilled += count;
      left -= count;
      if (this.#blockFilled === this.#blockTarget) this.#closeBlock();
    }
  }

  end(): void {
    const entry = this.#entry;
    if (entry === undefined) throw new Error("end of a file that was not begun");
    this.#entry = undefined;
    this.#record(entry, this.#fileData(entry));
  }

  warn(message: string): void {
    this.#options.warn(`${this.#options.what}: ${message}`);
  }

  /** Waits until compressors and disk have caught up; throws what went wrong with earlier blocks. */
  async drain(): Promise<void> {
    const { writer, buffers } = this.#options;
    writer.check();
    await buffers.settled();
    await writer.settled();
  }

  /** Flushes the last blocks, the log and the tables. */
  async finish(): Promise<void> {
    this.#closeFragment();
    this.#submitBatch();
    this.#flushLog();
    await this.#options.writer.finish({
      identity: { diffId: this.#options.diffId, codec: this.#options.settings.id },
      fragments: this.#fragments.view(),
      entries: this.#entries,
      hasWhiteouts: this.#hasWhiteouts,
      contentBytes: this.#contentBytes,
    });
  }

  /** Gives up: waits until nothing of this layer is on its way to a compressor or the file. */
  async abandon(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch !== undefined) this.#options.buffers.giveBack(batch);
    await this.#options.writer.idle();
  }

  #fileData(entry: TarEntry): FileData {
    if (entry.size === 0) return { kind: "empty" };
    if (!this.#inFragment) {
      return { kind: "blocks", firstBlock: this.#firstBlock, runs: this.#runs.finish() };
    }
    const offset = this.#fragmentUsed;
    if (isZero(this.#fragment.subarray(offset, offset + entry.size))) {
      this.#runs.addHoles(1);
      return { kind: "blocks", firstBlock: this.#blocks, runs: this.#runs.finish() };
    }
    this.#fragmentUsed += entry.size;
    return { kind: "fragment", fragment: this.#fragments.length / 2, offset };
  }

  #record(entry: TarEntry, data: FileData): void {
    writeLayerRecord(this.#log, entry, data);
    if (this.#log.length >= LOG_BYTES) this.#flushLog();
  }

  #flushLog(): void {
    if (this.#log.length === 0) return;
    this.#options.writer.appendLog(this.#log.bytes().slice());
    this.#log.clear();
  }

  #closeFragment(): void {
    if (this.#fragmentUsed === 0) return;
    const bytes = this.#fragment.subarray(0, this.#fragmentUsed);
    this.#makeRoom(bytes.length);
    this.#batchBytes.set(bytes, this.#batchUsed);
    this.#fragments.push(this.#blocks);
    this.#fragments.push(bytes.length);
    this.#commitBlock(bytes.length);
    this.#fragmentUsed = 0;
  }

  #openBlock(): void {
    this.#blockTarget = Math.min(this.#options.settings.blockSize, this.#left);
    this.#blockFilled = 0;
    this.#makeRoom(this.#blockTarget);
  }

  #closeBlock(): void {
    const length = this.#blockTarget;
    this.#left -= length;
    this.#blockTarget = 0;
    if (isZero(this.#batchBytes.subarray(this.#batchUsed, this.#batchUsed + length))) {
      this.#runs.addHoles(1);
      return;
    }
    this.#runs.addStored();
    this.#commitBlock(length);
  }

  #commitBlock(length: number): void {
    this.#lengths.push(length);
    this.#batchUsed += length;
    this.#blocks += 1;
    if (BATCH_BYTES - this.#batchUsed < this.#options.settings.blockSize) this.#submitBatch();
  }

  #makeRoom(length: number): void {
    if (this.#batch !== undefined && BATCH_BYTES - this.#batchUsed < length) this.#submitBatch();
    if (this.#batch === undefined) {
      this.#batch = this.#options.buffers.take();
      this.#batchBytes = new Uint8Array(this.#batch.input);
      this.#batchUsed = 0;
    }
  }

  #submitBatch(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const { pool, buffers, writer } = this.#options;
    this.#batch = undefined;
    const lengths = this.#lengths.view().slice();
    this.#lengths = new Uint32List(32);
    buffers.send();
    writer.appendBlocks(pool.compress(batch.input, batch.output, lengths), (done) => {
      buffers.receive(done);
    });
  }
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

function isWhiteout(path: Uint8Array): boolean {
  const base = path.lastIndexOf(0x2f) + 1;
  return WHITEOUT.every((byte, index) => path[base + index] === byte);
}
