import { inflateSync, zstdDecompressSync } from "node:zlib";

const METADATA = 8192;
const RAW = 0x8000;
const NO_TABLE = 0xffff_ffff_ffff_ffffn;

/** The superblock's fields as they stand; positions that say "none" are undefined. */
export interface RawSuperblock {
  readonly magic: number;
  readonly inodeCount: number;
  readonly time: number;
  readonly blockSize: number;
  readonly fragmentCount: number;
  readonly compressor: number;
  readonly blockLog: number;
  readonly flags: number;
  readonly idCount: number;
  readonly version: string;
  readonly root: bigint;
  readonly bytesUsed: number;
  readonly idTable: number | undefined;
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number | undefined;
  readonly exportTable: number | undefined;
}

export function rawSuperblock(image: Buffer): RawSuperblock {
  const u64 = (at: number): number | undefined => {
    const value = image.readBigUInt64LE(at);
    return value === NO_TABLE ? undefined : Number(value);
  };
  return {
    magic: image.readUInt32LE(0),
    inodeCount: image.readUInt32LE(4),
    time: image.readUInt32LE(8),
    blockSize: image.readUInt32LE(12),
    fragmentCount: image.readUInt32LE(16),
    compressor: image.readUInt16LE(20),
    blockLog: image.readUInt16LE(22),
    flags: image.readUInt16LE(24),
    idCount: image.readUInt16LE(26),
    version: `${image.readUInt16LE(28)}.${image.readUInt16LE(30)}`,
    root: image.readBigUInt64LE(32),
    bytesUsed: u64(40) ?? 0,
    idTable: u64(48),
    xattrTable: u64(56),
    inodeTable: u64(64) ?? 0,
    directoryTable: u64(72) ?? 0,
    fragmentTable: u64(80),
    exportTable: u64(88),
  };
}

/** One stored metadata block. */
export interface RawMetadataBlock {
  /** Stored bytes from the table's start to its header. */
  readonly start: number;
  readonly isRaw: boolean;
  readonly stored: Buffer;
  readonly content: Buffer;
}

/** A metadata table, decompressed. */
export interface RawTable {
  readonly blocks: readonly RawMetadataBlock[];
  readonly content: Buffer;
  /** Where in `content` the record at a block's start and an offset in it stands. */
  readonly position: (blockStart: number, offset: number) => number;
}

/** Reads the metadata blocks that lie between two positions, one behind another. */
export function rawTable(image: Buffer, start: number, end: number, compressor: number): RawTable {
  const blocks: RawMetadataBlock[] = [];
  for (let at = start; at < end;) {
    const header = image.readUInt16LE(at);
    const size = header & ~RAW;
    const stored = image.subarray(at + 2, at + 2 + size);
    const isRaw = (header & RAW) !== 0;
    const content = isRaw ? stored : decompress(stored, compressor, METADATA);
    blocks.push({ start: at - start, isRaw, stored, content });
    at += 2 + size;
  }
  const starts = new Map(blocks.map(({ start: from }, index) => [from, index * METADATA]));
  return {
    blocks,
    content: Buffer.concat(blocks.map(({ content }) => content)),
    position: (blockStart, offset) => {
      const from = starts.get(blockStart);
      if (from === undefined) throw new Error(`no metadata block begins at ${blockStart}`);
      return from + offset;
    },
  };
}

export function decompress(stored: Buffer, compressor: number, most: number): Buffer {
  const options = { maxOutputLength: most };
  return compressor === 1 ? inflateSync(stored, options) : zstdDecompressSync(stored, options);
}

/** A lookup table: entries in metadata blocks, and the list of positions behind them. */
export interface RawLookup {
  readonly table: RawTable;
  /** Absolute position of the first block, and of the byte behind the list. */
  readonly start: number;
  readonly end: number;
}

/** @param listAt - absolute position of the list */
export function rawLookup(
  image: Buffer,
  listAt: number,
  entriesBytes: number,
  blocksEnd: number,
  compressor: number,
): RawLookup {
  const count = Math.ceil(entriesBytes / METADATA);
  const start = count === 0 ? listAt : Number(image.readBigUInt64LE(listAt));
  const table = rawTable(image, start, blocksEnd, compressor);
  table.blocks.forEach((block, index) => {
    const listed = Number(image.readBigUInt64LE(listAt + index * 8));
    if (listed !== start + block.start) throw new Error(`a list of blocks that names ${listed}`);
  });
  if (table.blocks.length !== count) throw new Error(`${table.blocks.length} blocks, not ${count}`);
  return { table, start, end: listAt + count * 8 };
}
