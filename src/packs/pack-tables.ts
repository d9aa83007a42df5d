import { crc32 } from "node:zlib";
import { viewOf } from "../base/index.ts";
import { PackError } from "./pack-error.ts";

/** A run of stored blocks that lie one after another in the pack file. */
export interface DataSegment {
  readonly firstBlock: number;
  /** Byte offset in the pack file. */
  readonly position: number;
}

/** A stretch of whole records of the log. */
export interface LogSegment {
  readonly position: number;
  readonly bytes: number;
  readonly checksum: number;
}

/** What a pack is the conversion of: nothing else goes into its bytes. */
export interface PackIdentity {
  /** `sha256:` and 64 hex digits; "" where it is no layer. */
  readonly diffId: string;
  /** Id of the codec settings. */
  readonly codec: string;
}

/** What a pack holds, apart from the blocks and the log themselves. */
export interface PackTables {
  readonly identity: PackIdentity;
  /** Size code of every block, in the order of appending. */
  readonly sizes: Uint32Array;
  /** CRC-32 of every block's stored bytes. */
  readonly checksums: Uint32Array;
  /** Per fragment block: its block number and the bytes of tails in it. */
  readonly fragments: Uint32Array;
  readonly data: readonly DataSegment[];
  readonly log: readonly LogSegment[];
  readonly entries: number;
  /** Whether any entry is a whiteout: only then the merge looks through the log beforehand. */
  readonly hasWhiteouts: boolean;
  /** Bytes of all files, holes not counted. */
  readonly contentBytes: number;
}

const MAGIC = 0x50_46_49_53; // "SIFP"
const VERSION = 1;
const HEADER_BYTES = 48 + 128;
const DIFF_ID_AT = 48;
const CODEC_AT = 48 + 96;

/** Bytes at the very end of a pack file: the length of the tables and their CRC-32. */
export const PACK_TRAILER_BYTES = 16;

/** The tables and the trailer, as they end a pack file; little-endian, fixed order. */
export function formatPackTables(tables: PackTables): Uint8Array {
  const { sizes, checksums, fragments, data, log } = tables;
  const length =
    HEADER_BYTES +
    4 * (sizes.length + checksums.length + fragments.length) +
    16 * (data.length + log.length);
  const bytes = new Uint8Array(length + PACK_TRAILER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, sizes.length, true);
  view.setUint32(12, fragments.length, true);
  view.setUint32(16, data.length, true);
  view.setUint32(20, log.length, true);
  view.setFloat64(24, tables.entries, true);
  view.setFloat64(32, tables.contentBytes, true);
  view.setUint32(40, tables.hasWhiteouts ? 1 : 0, true);
  const { diffId, codec } = tables.identity;
  bytes.set(Buffer.from(diffId, "latin1"), DIFF_ID_AT);
  bytes.set(Buffer.from(codec, "latin1"), CODEC_AT);
  let at = HEADER_BYTES;
  for (const list of [sizes, checksums, fragments]) {
    for (const value of list) {
      view.setUint32(at, value, true);
      at += 4;
    }
  }
  for (const { firstBlock, position } of data) {
    view.setFloat64(at, position, true);
    view.setUint32(at + 8, firstBlock, true);
    at += 16;
  }
  for (const { position, bytes: count, checksum } of log) {
    view.setFloat64(at, position, true);
    view.setUint32(at + 8, count, true);
    view.setUint32(at + 12, checksum, true);
    at += 16;
  }
  view.setFloat64(length, length, true);
  view.setUint32(length + 8, crc32(bytes.subarray(0, length)), true);
  view.setUint32(length + 12, MAGIC, true);
  return bytes;
}

/**
 * How many bytes of tables precede `trailer`.
 *
 * @throws PackError `PACK_DAMAGED`
 */
export function parsePackTrailer(trailer: Uint8Array, fileBytes: number): number {
  const view = viewOf(trailer);
  const length = view.getFloat64(0, true);
  const fits =
    Number.isSafeInteger(length) &&
    length >= HEADER_BYTES &&
    length <= fileBytes - PACK_TRAILER_BYTES;
  if (!fits || view.getUint32(12, true) !== MAGIC) throw damaged("its end is not a pack's end");
  return length;
}

/** @throws PackError `PACK_DAMAGED` on a wrong checksum or counts that do not fit the length */
export function parsePackTables(bytes: Uint8Array, trailer: Uint8Array): PackTables {
  if (crc32(bytes) !== viewOf(trailer).getUint32(8, true)) throw damaged("wrong table checksum");
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) {
    throw damaged("unknown version");
  }
  const blocks = view.getUint32(8, true);
  const fragments = view.getUint32(12, true);
  const dataCount = view.getUint32(16, true);
  const logCount = view.getUint32(20, true);
  const expected = HEADER_BYTES + 4 * (2 * blocks + fragments) + 16 * (dataCount + logCount);
  if (expected !== bytes.length) throw damaged("counts that do not fit its tables");
  let at = HEADER_BYTES;
  const readList = (count: number): Uint32Array => {
    const list = Uint32Array.from({ length: count }, (_, i) => view.getUint32(at + 4 * i, true));
    at += 4 * count;
    return list;
  };
  const readSegments = <Segment>(count: number, read: (start: number) => Segment): Segment[] => {
    const start = at;
    at += 16 * count;
    return Array.from({ length: count }, (_, i) => read(start + 16 * i));
  };
  return {
    identity: {
      diffId: textAt(bytes, DIFF_ID_AT, CODEC_AT),
      codec: textAt(bytes, CODEC_AT, HEADER_BYTES),
    },
    sizes: readList(blocks),
    checksums: readList(blocks),
    fragments: readList(fragments),
    data: readSegments(dataCount, (start) => ({
      position: view.getFloat64(start, true),
      firstBlock: view.getUint32(start + 8, true),
    })),
    log: readSegments(logCount, (start) => ({
      position: view.getFloat64(start, true),
      bytes: view.getUint32(start + 8, true),
      checksum: view.getUint32(start + 12, true),
    })),
    entries: view.getFloat64(24, true),
    contentBytes: view.getFloat64(32, true),
    hasWhiteouts: view.getUint32(40, true) !== 0,
  };
}

function textAt(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString("latin1").replace(/\0+$/, "");
}

export function damaged(why: string, options?: ErrorOptions): PackError {
  return new PackError("PACK_DAMAGED", `converted layer: ${why}`, options);
}
