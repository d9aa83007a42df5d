import { ByteList } from "../base/index.ts";

/** Bytes of one uncompressed metadata block. */
export const METADATA_BLOCK = 8192;
const RAW_METADATA = 0x8000;
/** Directories and references keep the place of a block in 32 bits. */
const MOST_START = 0xffff_ffff;

/** Compresses one block; a result that is not shorter means that the block is stored raw. */
export type Compress = (block: Uint8Array) => Uint8Array;

/**
 * A metadata table: records cut into blocks of 8 KiB, each compressed when it is full, so that the
 * place of the next record is always known.
 *
 * @see squashfs 4.0, metadata blocks
 */
export class MetadataStream {
  readonly #compress: Compress;
  readonly #block = new Uint8Array(METADATA_BLOCK);
  readonly #stored = new ByteList(METADATA_BLOCK * 2);
  readonly #blockStarts: number[] = [];
  #filled = 0;

  constructor(compress: Compress) {
    this.#compress = compress;
  }

  /** Where the block that the next byte goes into begins, in stored bytes from the table's start. */
  get blockStart(): number {
    const { length } = this.#stored;
    if (length > MOST_START) throw new Error("more metadata than squashfs can point into");
    return length;
  }

  /** Where the next byte goes inside its uncompressed block: 0 … 8191. */
  get offset(): number {
    return this.#filled;
  }

  write(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const count = Math.min(bytes.length - from, METADATA_BLOCK - this.#filled);
      this.#block.set(bytes.subarray(from, from + count), this.#filled);
      this.#filled += count;
      from += count;
      if (this.#filled === METADATA_BLOCK) this.#flush();
    }
  }

  /** Ends the table. */
  finish(): { readonly bytes: Uint8Array; readonly blockStarts: readonly number[] } {
    if (this.#filled > 0) this.#flush();
    return { bytes: this.#stored.bytes(), blockStarts: this.#blockStarts };
  }

  #flush(): void {
    const block = this.#block.subarray(0, this.#filled);
    const packed = this.#compress(block);
    const isRaw = packed.length >= block.length;
    const stored = isRaw ? block : packed;
    this.#blockStarts.push(this.#stored.length);
    const at = this.#stored.reserve(2 + stored.length);
    this.#stored.view.setUint16(at, stored.length | (isRaw ? RAW_METADATA : 0), true);
    this.#stored.buffer.set(stored, at + 2);
    this.#filled = 0;
  }
}

/** A reference to a record: the stored start of its block, and its offset in it uncompressed. */
export function metadataReference(blockStart: number, offset: number): bigint {
  return (BigInt(blockStart) << 16n) | BigInt(offset);
}

/**
 * A table of fixed-size entries: its metadata blocks and, behind them, the absolute position of
 * each. The superblock points at those positions.
 *
 * @param start - absolute position of the table in the image
 */
export function lookupTable(
  entries: Uint8Array,
  start: number,
  compress: Compress,
): { readonly bytes: Uint8Array; readonly indexPosition: number } {
  const stream = new MetadataStream(compress);
  stream.write(entries);
  const { bytes, blockStarts } = stream.finish();
  return {
    bytes: Buffer.concat([bytes, positionList(blockStarts, start)]),
    indexPosition: start + bytes.length,
  };
}

/** Positions as the format lists them: 8 B each, absolute. */
export function positionList(blockStarts: readonly number[], start: number): Uint8Array {
  const list = Buffer.alloc(blockStarts.length * 8);
  blockStarts.forEach((blockStart, index) => {
    list.writeBigUInt64LE(BigInt(start + blockStart), index * 8);
  });
  return list;
}
