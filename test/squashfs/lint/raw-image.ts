import { rawInodes, type RawDirectory, type RawInode } from "./raw-inodes.ts";
import {
  rawLookup,
  rawSuperblock,
  rawTable,
  type RawLookup,
  type RawSuperblock,
  type RawTable,
} from "./raw-tables.ts";

/**
 * A whole image taken apart, by nothing but the format's description: it shares no line with the
 * writer or the reader that it is there to judge, believes what the image says, and throws where that
 * leads nowhere.
 */
export interface RawImage {
  readonly bytes: Buffer;
  readonly superblock: RawSuperblock;
  /** All metadata tables by name. */
  readonly tables: ReadonlyMap<string, RawTable>;
  /** Absolute positions where tables begin and end, in their order, from the inode table on. */
  readonly areas: readonly {
    readonly what: string;
    readonly start: number;
    readonly end: number;
  }[];
  /** In the order of the table. */
  readonly inodes: readonly RawInode[];
  readonly root: RawInode;
  readonly fragments: readonly { readonly start: number; readonly code: number }[];
  readonly ids: readonly number[];
  readonly xattrSets: readonly RawXattrSet[];
  /** The entries of a directory, run by run. */
  readonly listing: (directory: RawDirectory) => readonly RawRun[];
}

export interface RawXattrSet {
  readonly pairs: readonly RawXattr[];
  /** What the table says that they take up. */
  readonly size: number;
}

export interface RawXattr {
  /** Of the namespace, with flags. */
  readonly type: number;
  /** Behind the namespace. */
  readonly name: Buffer;
  readonly value: Buffer;
}

export interface RawRun {
  /** Bytes of the listing before its header. */
  readonly position: number;
  readonly entries: readonly RawEntry[];
}

export interface RawEntry {
  readonly name: Buffer;
  readonly type: number;
  readonly number: number;
  readonly inode: RawInode;
}

export function rawImage(bytes: Buffer): RawImage {
  const superblock = rawSuperblock(bytes);
  const { inodeTable, directoryTable, compressor, bytesUsed } = superblock;
  const xattrs = rawXattrs(bytes, superblock);
  const ids = lookup(bytes, superblock.idTable, superblock.idCount * 4, compressor);
  const fragments =
    superblock.fragmentTable === undefined
      ? undefined
      : lookup(bytes, superblock.fragmentTable, superblock.fragmentCount * 16, compressor);
  const directoriesEnd = fragments?.start ?? ids.start;
  const inodeBlocks = rawTable(bytes, inodeTable, directoryTable, compressor);
  const directoryBlocks = rawTable(bytes, directoryTable, directoriesEnd, compressor);
  const inodes = rawInodes(inodeBlocks.content, superblock.blockSize);
  const byPosition = new Map(inodes.map((inode) => [inode.at, inode]));
  const inodeAt = (blockStart: number, offset: number): RawInode => {
    const inode = byPosition.get(inodeBlocks.position(blockStart, offset));
    if (inode === undefined) throw new Error(`no inode at ${blockStart}:${offset}`);
    return inode;
  };
  const tables = new Map([
    ["inodes", inodeBlocks],
    ["directories", directoryBlocks],
    ["ids", ids.table],
  ]);
  if (fragments !== undefined) tables.set("fragments", fragments.table);
  xattrs?.tables.forEach((table, index) => tables.set(`xattrs ${index}`, table));
  return {
    bytes,
    superblock,
    tables,
    areas: [
      { what: "inodes", start: inodeTable, end: directoryTable },
      { what: "directories", start: directoryTable, end: directoriesEnd },
      ...(fragments === undefined ? [] : [{ what: "fragments", ...fragments }]),
      { what: "ids", ...ids },
      ...(xattrs === undefined ? [] : [{ what: "xattrs", start: xattrs.start, end: xattrs.end }]),
      { what: "end", start: bytesUsed, end: bytesUsed },
    ],
    inodes,
    root: inodeAt(Number(superblock.root >> 16n), Number(superblock.root & 0xffffn)),
    fragments: records(fragments?.table.content, 16, (record) => ({
      start: Number(record.readBigUInt64LE(0)),
      code: record.readUInt32LE(8),
    })),
    ids: records(ids.table.content, 4, (record) => record.readUInt32LE(0)),
    xattrSets: xattrs?.sets ?? [],
    listing: (directory) => rawListing(directoryBlocks, directory, inodeAt),
  };
}

function lookup(
  bytes: Buffer,
  listAt: number | undefined,
  entriesBytes: number,
  compressor: number,
): RawLookup {
  if (listAt === undefined) throw new Error("a table that must be there is not");
  return rawLookup(bytes, listAt, entriesBytes, listAt, compressor);
}

interface RawXattrTable {
  readonly tables: readonly RawTable[];
  readonly sets: readonly RawXattrSet[];
  readonly start: number;
  readonly end: number;
}

function rawXattrs(
  bytes: Buffer,
  { xattrTable, compressor }: RawSuperblock,
): RawXattrTable | undefined {
  if (xattrTable === undefined) return undefined;
  const start = Number(bytes.readBigUInt64LE(xattrTable));
  const count = bytes.readUInt32LE(xattrTable + 8);
  const ids = rawLookup(bytes, xattrTable + 16, count * 16, xattrTable, compressor);
  const pairs = rawTable(bytes, start, ids.start, compressor);
  const sets = records(ids.table.content, 16, (record): RawXattrSet => {
    const reference = record.readBigUInt64LE(0);
    const at = pairs.position(Number(reference >> 16n), Number(reference & 0xffffn));
    const set = rawPairs(pairs.content, at, record.readUInt32LE(8));
    return { pairs: set, size: record.readUInt32LE(12) };
  });
  return { tables: [pairs, ids.table], sets, start, end: ids.end };
}

function rawPairs(table: Buffer, from: number, count: number): RawXattr[] {
  let at = from;
  return Array.from({ length: count }, () => {
    const type = table.readUInt16LE(at);
    const nameEnd = at + 4 + table.readUInt16LE(at + 2);
    const valueEnd = nameEnd + 4 + table.readUInt32LE(nameEnd);
    const name = table.subarray(at + 4, nameEnd);
    at = valueEnd;
    return { type, name, value: table.subarray(nameEnd + 4, valueEnd) };
  });
}

function records<Record>(
  table: Buffer | undefined,
  bytes: number,
  read: (record: Buffer) => Record,
): Record[] {
  if (table === undefined) return [];
  return Array.from({ length: table.length / bytes }, (_, index) =>
    read(table.subarray(index * bytes, (index + 1) * bytes)),
  );
}

function rawListing(
  table: RawTable,
  { blockStart, offset, size }: RawDirectory,
  inodeAt: (blockStart: number, offset: number) => RawInode,
): RawRun[] {
  const length = size - 3;
  if (length === 0) return [];
  const start = table.position(blockStart, offset);
  const { content } = table;
  const runs: RawRun[] = [];
  for (let at = start; at < start + length;) {
    const position = at - start;
    const count = content.readUInt32LE(at) + 1;
    const inodeBlock = content.readUInt32LE(at + 4);
    const reference = content.readUInt32LE(at + 8);
    at += 12;
    const entries: RawEntry[] = [];
    for (let index = 0; index < count; index += 1) {
      const nameEnd = at + 8 + content.readUInt16LE(at + 6) + 1;
      entries.push({
        name: content.subarray(at + 8, nameEnd),
        type: content.readUInt16LE(at + 4),
        number: reference + content.readInt16LE(at + 2),
        inode: inodeAt(inodeBlock, content.readUInt16LE(at)),
      });
      at = nameEnd;
    }
    runs.push({ position, entries });
    if (at > start + length) throw new Error("a listing that ends within a run");
  }
  return runs;
}
