import { BLOCK_BYTES, FIELDS, numberField, type Field } from "./tar-header.ts";
import { tarError, tarLimitError, type TarContext } from "./tar-context.ts";

/** Which parts of a file the archive stores; everything between them is a hole. */
export interface SparseMap {
  /** Logical bytes of the file. */
  readonly realSize: number;
  /** Offset and length of the first stored segment, of the second, and so on. */
  readonly segments: readonly number[];
}

/** Adds one segment; an archive may not make us hold more than the limit of them. */
export function addSegment(
  segments: number[],
  offset: number,
  length: number,
  context: TarContext,
): void {
  if (segments.length / 2 >= context.limits.sparseSegments) {
    throw tarLimitError(context, "sparseSegments", "segments of a sparse file");
  }
  segments.push(offset, length);
}

/**
 * Refuses a map that cannot be played.
 *
 * @param stored - bytes of data that the archive holds for the file
 * @throws LayerError `TAR_SPARSE` unless the segments ascend without overlap, end within the file
 *   and sum to `stored`
 * @see layers.md §3.2
 */
export function checkSparseMap(map: SparseMap, stored: number, context: TarContext): void {
  const { realSize, segments } = map;
  if (!Number.isSafeInteger(realSize) || realSize < 0) {
    const message = `sparse file: expected a size from 0 to 2^53 - 1, got ${realSize}`;
    throw tarError(context, "TAR_SPARSE", message);
  }
  let end = 0;
  let sum = 0;
  for (let i = 0; i < segments.length; i += 2) {
    const offset = segments[i] ?? 0;
    const length = segments[i + 1] ?? 0;
    if (offset < end || length < 0 || offset > realSize - length) {
      throw tarError(
        context,
        "TAR_SPARSE",
        `sparse map: expected segments between ${end} and the file's size ${realSize}, ` +
          `got ${length} bytes at ${offset}`,
      );
    }
    end = offset + length;
    sum += length;
  }
  if (sum === stored) return;
  const expected = `sparse map: expected segments of ${stored} bytes in all, as the entry stores`;
  throw tarError(context, "TAR_SPARSE", `${expected}, got ${sum}`);
}

/** Segments in the header of a GNU sparse entry, and in each block that continues it. */
const IN_HEADER = { at: 386, count: 4, moreAt: 482 } as const;
const IN_BLOCK = { at: 0, count: 21, moreAt: 504 } as const;
const NUMBER_BYTES = 12;

/**
 * Adds the segments that stand in a GNU sparse header, or in a block that continues one.
 *
 * @returns whether one more block of segments follows
 * @throws LayerError `TAR_HEADER`, LimitError `LIMIT_SPARSE_SEGMENTS`
 */
export function readGnuSegments(
  block: Uint8Array,
  place: "header" | "block",
  segments: number[],
  context: TarContext,
): boolean {
  const { at, count, moreAt } = place === "header" ? IN_HEADER : IN_BLOCK;
  for (let i = 0; i < count; i++) {
    const offset = sparseField(at + i * 2 * NUMBER_BYTES);
    if (block[offset.at] === 0) break;
    const length = sparseField(offset.at + NUMBER_BYTES);
    const start = numberField(block, offset, context);
    addSegment(segments, start, numberField(block, length, context), context);
  }
  return block[moreAt] !== 0;
}

function sparseField(at: number): Field {
  return { name: "sparse map", at, bytes: NUMBER_BYTES };
}

/** The logical size in the header of a GNU sparse entry. */
export function gnuRealSize(block: Uint8Array, context: TarContext): number {
  return numberField(block, FIELDS.sparseRealSize, context);
}

const NEWLINE = 0x0a;
const ZERO = 0x30;

/**
 * The map that stands before the data of a file in PAX sparse format 1.0: decimal lines (number of
 * segments, then offset and length of each), padded to a block.
 */
export class SparseLines {
  readonly segments: number[] = [];
  readonly #context: TarContext;
  #consumed = 0;
  /** Numbers still to come; undefined before the first line said how many. */
  #numbers: number | undefined;
  #offset = 0;
  #value = 0;
  #digits = 0;

  constructor(context: TarContext) {
    this.#context = context;
  }

  /** Bytes of the archive that the map took so far. */
  get consumed(): number {
    return this.#consumed;
  }

  /** Whether the map and its padding are over. */
  get done(): boolean {
    return this.#numbers === 0 && this.#consumed % BLOCK_BYTES === 0;
  }

  /**
   * Reads on from `bytes[from]`, to `to` or to the end of the map.
   *
   * @returns where it stopped
   * @throws LayerError `TAR_SPARSE`, LimitError `LIMIT_SPARSE_SEGMENTS`
   */
  take(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && !this.done) {
      if (this.#numbers !== 0) this.#character(bytes[at] ?? 0);
      at++;
      this.#consumed++;
    }
    return at;
  }

  #character(byte: number): void {
    const digit = byte - ZERO;
    if (byte === NEWLINE && this.#digits > 0) {
      this.#number(this.#value);
      this.#value = 0;
      this.#digits = 0;
    } else if (digit >= 0 && digit <= 9 && this.#digits < 16) {
      this.#value = this.#value * 10 + digit;
      this.#digits++;
    } else {
      const got = `byte 0x${byte.toString(16)} after ${this.#digits} digits`;
      const expected = "sparse map: expected lines of 1 to 16 decimal digits";
      throw tarError(this.#context, "TAR_SPARSE", `${expected}, got ${got}`);
    }
  }

  #number(value: number): void {
    if (this.#numbers === undefined) {
      const { limits } = this.#context;
      if (value > limits.sparseSegments) {
        throw tarLimitError(this.#context, "sparseSegments", "segments of a sparse file", value);
      }
      this.#numbers = value * 2;
    } else if (this.#numbers-- % 2 === 0) {
      this.#offset = value;
    } else {
      this.segments.push(this.#offset, value);
    }
  }
}
