import { promisify } from "node:util";
import { inflate, inflateSync, zstdDecompress, zstdDecompressSync } from "node:zlib";
import type { Compression } from "../image/index.ts";
import { MAX_ZSTD_HEADER_BYTES, parseZstdFrameHeader, ZstdFrameWalker } from "../layers/index.ts";
import { METADATA_BLOCK } from "./metadata-stream.ts";
import { refusal, SquashfsError } from "./squashfs-error.ts";

/** Node makes no smaller output buffers. */
const LEAST_CHUNK = 64;
const ZSTD_MAGIC = 0xfd2f_b528;

const inflateLater = promisify(inflate);
const unzstdLater = promisify(zstdDecompress);

/**
 * Decompresses the blocks of one image. Both methods hold no more than `most` bytes of output and
 * name the block by `what`.
 *
 * @see squashfs 4.0, compressed blocks; squashfs.md §3.1
 */
export class BlockDecoder {
  readonly #compression: Compression;
  readonly #windowBytes: number;

  /** @param blockSize - bytes of the image's full data blocks */
  constructor(compression: Compression, blockSize: number) {
    this.#compression = compression;
    // Kernels allocate this much and refuse frames that ask for more.
    this.#windowBytes = Math.max(blockSize, METADATA_BLOCK);
  }

  /**
   * Decompresses at once: for metadata, where waiting costs more than the work.
   *
   * @throws SquashfsError `SQUASHFS_BLOCK`
   */
  decodeNow(stored: Uint8Array, most: number, what: string): Uint8Array {
    try {
      if (this.#compression === "gzip") return inflateSync(stored, optionsFor(most));
      this.#checkFrame(stored, most, what);
      return zstdDecompressSync(stored, optionsFor(most));
    } catch (error) {
      throw blockError(error, what);
    }
  }

  /**
   * Decompresses outside of this thread.
   *
   * @throws SquashfsError `SQUASHFS_BLOCK`
   */
  async decode(stored: Uint8Array, most: number, what: string): Promise<Uint8Array> {
    try {
      if (this.#compression === "gzip") return await inflateLater(stored, optionsFor(most));
      this.#checkFrame(stored, most, what);
      return await unzstdLater(stored, optionsFor(most));
    } catch (error) {
      throw blockError(error, what);
    }
  }

  /** One frame, all of it and nothing else: kernels read no second one, others no bytes behind it. */
  #checkFrame(stored: Uint8Array, most: number, what: string): void {
    const refuse = (expected: string, got: string | number): never => {
      throw refusal("SQUASHFS_BLOCK", what, expected, got);
    };
    const head = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
    const isFrame = head.length >= 4 && head.readUInt32LE(0) === ZSTD_MAGIC;
    const header = isFrame
      ? parseZstdFrameHeader(stored.subarray(0, MAX_ZSTD_HEADER_BYTES))
      : undefined;
    if (header === undefined) {
      return refuse("a zstd frame", head.subarray(0, 4).toString("hex"));
    }
    const { windowBytes, contentBytes = 0, dictionaryId } = header;
    if (windowBytes > this.#windowBytes) {
      refuse(`a zstd window of at most ${this.#windowBytes} bytes`, windowBytes);
    }
    if (contentBytes > most) refuse(`at most ${most} bytes`, contentBytes);
    if (dictionaryId !== 0) refuse("no zstd dictionary", dictionaryId);
    const walker = new ZstdFrameWalker(header);
    const bytes = walker.walk(stored);
    if (bytes !== stored.length || !walker.done) {
      refuse(`one zstd frame of ${stored.length} bytes`, bytes ?? "a block that cannot be");
    }
  }
}

function optionsFor(most: number): { chunkSize: number; maxOutputLength: number } {
  return { chunkSize: Math.max(LEAST_CHUNK, most), maxOutputLength: most };
}

function blockError(error: unknown, what: string): unknown {
  if (error instanceof SquashfsError || !(error instanceof Error)) return error;
  return new SquashfsError(
    "SQUASHFS_BLOCK",
    `squashfs ${what}: expected a block that decompresses, got ${error.message}`,
    { cause: error },
  );
}
