import { viewOf } from "../base/index.ts";

/** What the header of a zstd frame says. @see RFC 8878 §3.1.1 */
export interface ZstdFrameHeader {
  /** Bytes of the header, magic included. */
  readonly bytes: number;
  /** Bytes that a decoder must be able to look back. */
  readonly windowBytes: number;
  /** Decompressed bytes, where the frame says it. */
  readonly contentBytes: number | undefined;
  /** The dictionary without which the frame cannot be read; 0 = none. */
  readonly dictionaryId: number;
  readonly hasChecksum: boolean;
}

/** The longest header: magic, descriptor, window, dictionary id, content size. */
export const MAX_ZSTD_HEADER_BYTES: number = 4 + 1 + 1 + 4 + 8;

/**
 * Reads the header at the start of `head`, whose magic is known to be right.
 *
 * @returns undefined when `head` ends within the header
 */
export function parseZstdFrameHeader(head: Uint8Array): ZstdFrameHeader | undefined {
  const descriptor = head[4];
  if (descriptor === undefined) return undefined;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentFlag = descriptor >> 6;
  const contentField = contentFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentFlag;
  const windowAt = 5;
  const dictionaryAt = windowAt + (isSingleSegment ? 0 : 1);
  const contentAt = dictionaryAt + dictionaryBytes;
  const bytes = contentAt + contentField;
  if (head.length < bytes) return undefined;
  const content = littleEndian(head, contentAt, contentField) + (contentField === 2 ? 256 : 0);
  return {
    bytes,
    windowBytes: isSingleSegment ? content : windowBytes(head[windowAt] ?? 0),
    contentBytes: contentField === 0 ? undefined : content,
    dictionaryId: littleEndian(head, dictionaryAt, dictionaryBytes),
    hasChecksum: (descriptor & 4) !== 0,
  };
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Sizes past 2^53 lose their last digits, which is of no matter: no limit is near them. */
function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  const view = viewOf(bytes);
  switch (length) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true);
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
    default:
      return 0;
  }
}

const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const MAX_BLOCK_BYTES = 128 * 1024;
const RLE = 1;
const RESERVED = 3;

/** Finds the end of a frame by its block headers alone, however the frame is cut in pieces. */
export class ZstdFrameWalker {
  readonly #hasChecksum: boolean;
  /** Bytes to pass over before the next block header, or before the end. */
  #skip: number;
  #isLast = false;
  /** Bytes of the block header that were seen, and their number. */
  #header = 0;
  #headerBytes = 0;

  constructor(header: ZstdFrameHeader) {
    this.#skip = header.bytes;
    this.#hasChecksum = header.hasChecksum;
  }

  /** Whether the frame is complete. */
  get done(): boolean {
    return this.#isLast && this.#skip === 0;
  }

  /**
   * Goes on through `piece`, to its end or to that of the frame.
   *
   * @returns bytes of `piece` that belong to the frame; undefined for a block that cannot be
   */
  walk(piece: Uint8Array): number | undefined {
    let at = 0;
    while (at < piece.length && !this.done) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, piece.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      this.#header |= (piece[at++] ?? 0) << (8 * this.#headerBytes++);
      if (this.#headerBytes === BLOCK_HEADER_BYTES && !this.#block()) return undefined;
    }
    return at;
  }

  #block(): boolean {
    const type = (this.#header >> 1) & 3;
    const size = this.#header >> 3;
    this.#isLast = (this.#header & 1) !== 0;
    this.#skip = type === RLE ? 1 : size;
    if (this.#isLast && this.#hasChecksum) this.#skip += CHECKSUM_BYTES;
    this.#header = 0;
    this.#headerBytes = 0;
    return type !== RESERVED && size <= MAX_BLOCK_BYTES;
  }
}
