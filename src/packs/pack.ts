import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { storedBytes } from "../codec/index.ts";
import {
  damaged,
  PACK_TRAILER_BYTES,
  parsePackTables,
  parsePackTrailer,
  type PackTables,
} from "./pack-tables.ts";

/**
 * One converted layer, opened for reading. Reads are synchronous: it lives on a conversion thread,
 * where thousands of small reads from the page cache would each cost a turn of the event loop.
 */
export class Pack implements Disposable {
  readonly tables: PackTables;
  readonly #fd: number;
  /** Byte offset in the file of every block. */
  readonly #positions: Float64Array;

  /** @throws PackError `PACK_DAMAGED` when the file is not a whole pack */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
    try {
      this.tables = readTables(this.#fd);
      this.#positions = positionsOf(this.tables);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get sizes(): Uint32Array {
    return this.tables.sizes;
  }

  get checksums(): Uint32Array {
    return this.tables.checksums;
  }

  get fragments(): Uint32Array {
    return this.tables.fragments;
  }

  /**
   * The log in stretches of whole records, each good until the caller lets go of it.
   *
   * @throws PackError `PACK_DAMAGED` on a wrong checksum
   */
  *log(): Iterable<Uint8Array> {
    for (const { position, bytes, checksum } of this.tables.log) {
      const stretch = new Uint8Array(bytes);
      readFully(this.#fd, stretch, position);
      if (crc32(stretch) !== checksum) throw damaged("wrong checksum in its log");
      yield stretch;
    }
  }

  /**
   * Reads stored blocks `first` … `first + count − 1` one after another into `into`, as many as fit.
   *
   * @returns how many blocks were read and the bytes that they take up; at least one block
   * @throws PackError `PACK_DAMAGED` when a block's checksum is wrong
   */
  readBlocks(first: number, count: number, into: Uint8Array): { blocks: number; bytes: number } {
    const { sizes, checksums } = this.tables;
    const start = this.#positions[first];
    if (start === undefined) throw damaged(`no block ${first}`);
    let bytes = 0;
    let blocks = 0;
    while (blocks < count) {
      const size = sizes[first + blocks];
      if (size === undefined) throw damaged(`no block ${first + blocks}`);
      const next = bytes + storedBytes(size);
      // A stretch of log may lie between two blocks: then the next read begins behind it.
      if (next > into.length || this.#positions[first + blocks] !== start + bytes) break;
      bytes = next;
      blocks += 1;
    }
    if (blocks === 0 && count > 0) throw damaged(`block ${first} is longer than any`);
    readFully(this.#fd, into.subarray(0, bytes), start);
    let at = 0;
    for (let block = first; block < first + blocks; block += 1) {
      const end = at + storedBytes(sizes[block] ?? 0);
      if (crc32(into.subarray(at, end)) !== checksums[block]) {
        throw damaged(`wrong checksum of block ${block}`);
      }
      at = end;
    }
    return { blocks, bytes };
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function readTables(fd: number): PackTables {
  const { size } = fstatSync(fd);
  if (size < PACK_TRAILER_BYTES) throw damaged("too short");
  const trailer = new Uint8Array(PACK_TRAILER_BYTES);
  readFully(fd, trailer, size - PACK_TRAILER_BYTES);
  const length = parsePackTrailer(trailer, size);
  const bytes = new Uint8Array(length);
  readFully(fd, bytes, size - PACK_TRAILER_BYTES - length);
  return parsePackTables(bytes, trailer);
}

function positionsOf(tables: PackTables): Float64Array {
  const positions = new Float64Array(tables.sizes.length);
  tables.data.forEach(({ firstBlock, position }, index) => {
    const end = tables.data[index + 1]?.firstBlock ?? tables.sizes.length;
    let at = position;
    for (let block = firstBlock; block < end; block += 1) {
      positions[block] = at;
      at += storedBytes(tables.sizes[block] ?? 0);
    }
  });
  return positions;
}

function readFully(fd: number, into: Uint8Array, position: number): void {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0) throw damaged("it ends too early");
    done += count;
  }
}
