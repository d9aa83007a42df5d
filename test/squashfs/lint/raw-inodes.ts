const NONE = 0xffff_ffff;

/** One inode record as it stands. */
export interface RawInode {
  /** Offset of the record in the decompressed inode table. */
  readonly at: number;
  /** 1 to 14. */
  readonly type: number;
  readonly mode: number;
  readonly uidIndex: number;
  readonly gidIndex: number;
  readonly number: number;
  readonly links: number;
  readonly xattr: number | undefined;
  readonly file: RawFile | undefined;
  readonly directory: RawDirectory | undefined;
  readonly target: Buffer | undefined;
}

export interface RawFile {
  readonly size: number;
  readonly start: number;
  readonly sparse: number;
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
  /** Offset in the fragment where there is none: must be 0. */
  readonly fragmentOffset: number;
  readonly codes: readonly number[];
}

export interface RawDirectory {
  readonly blockStart: number;
  readonly offset: number;
  readonly size: number;
  readonly parent: number;
  readonly index: readonly RawIndexEntry[];
}

export interface RawIndexEntry {
  readonly position: number;
  readonly blockStart: number;
  readonly name: Buffer;
}

/** The records of the inode table, one behind another. */
export function rawInodes(table: Buffer, blockSize: number): RawInode[] {
  const inodes: RawInode[] = [];
  const reader = { table, at: 0 };
  while (reader.at < table.length) inodes.push(rawInode(reader, blockSize));
  return inodes;
}

interface Reader {
  readonly table: Buffer;
  at: number;
}

const u16 = (reader: Reader): number => reader.table.readUInt16LE((reader.at += 2) - 2);
const u32 = (reader: Reader): number => reader.table.readUInt32LE((reader.at += 4) - 4);
const u64 = (reader: Reader): number => Number(reader.table.readBigUInt64LE((reader.at += 8) - 8));

function rawInode(reader: Reader, blockSize: number): RawInode {
  const { at } = reader;
  const type = u16(reader);
  const mode = u16(reader);
  const uidIndex = u16(reader);
  const gidIndex = u16(reader);
  u32(reader); // the time, which may be any
  const number = u32(reader);
  const common = { at, type, mode, uidIndex, gidIndex, number };
  const nothing = { file: undefined, directory: undefined, target: undefined, xattr: undefined };
  switch (type) {
    case 1: {
      const blockStart = u32(reader);
      const links = u32(reader);
      const size = u16(reader);
      const offset = u16(reader);
      const directory = { blockStart, offset, size, parent: u32(reader), index: [] };
      return { ...common, ...nothing, links, directory };
    }
    case 2: {
      const start = u32(reader);
      const fragment = [u32(reader), u32(reader)] as const;
      const size = u32(reader);
      const file = rawFile(reader, { start, size, sparse: 0, fragment, blockSize });
      return { ...common, ...nothing, links: 1, file };
    }
    case 8:
      return { ...common, ...nothing, ...rawLongDirectory(reader) };
    case 9: {
      const start = u64(reader);
      const size = u64(reader);
      const sparse = u64(reader);
      const links = u32(reader);
      const fragment = [u32(reader), u32(reader)] as const;
      const xattr = xattrOf(u32(reader));
      const file = rawFile(reader, { start, size, sparse, fragment, blockSize });
      return { ...common, ...nothing, links, xattr, file };
    }
    default:
      return { ...common, ...nothing, ...rawOther(reader, type) };
  }
}

function rawLongDirectory(reader: Reader): Pick<RawInode, "links" | "directory" | "xattr"> {
  const links = u32(reader);
  const size = u32(reader);
  const blockStart = u32(reader);
  const parent = u32(reader);
  const count = u16(reader);
  const offset = u16(reader);
  const xattr = xattrOf(u32(reader));
  const index = Array.from({ length: count }, (): RawIndexEntry => {
    const position = u32(reader);
    const block = u32(reader);
    return { position, blockStart: block, name: take(reader, u32(reader) + 1) };
  });
  return { links, xattr, directory: { blockStart, offset, size, parent, index } };
}

function rawOther(reader: Reader, type: number): Pick<RawInode, "links" | "target" | "xattr"> {
  const isExtended = type > 7;
  const links = u32(reader);
  const basic = isExtended ? type - 7 : type;
  if (basic === 4 || basic === 5) u32(reader); // the device's number, which may be any
  const target = basic === 3 ? take(reader, u32(reader)) : undefined;
  if (basic < 3 || basic > 7) throw new Error(`an inode of type ${type}`);
  return { links, target, xattr: isExtended ? xattrOf(u32(reader)) : undefined };
}

function rawFile(
  reader: Reader,
  facts: {
    readonly start: number;
    readonly size: number;
    readonly sparse: number;
    readonly fragment: readonly [index: number, offset: number];
    readonly blockSize: number;
  },
): RawFile {
  const { start, size, sparse, blockSize } = facts;
  const [index, offset] = facts.fragment;
  const fragment = index === NONE ? undefined : { index, offset };
  const blocks = size / blockSize;
  const count = fragment === undefined ? Math.ceil(blocks) : Math.floor(blocks);
  const codes = Array.from({ length: count }, () => u32(reader));
  return { size, start, sparse, fragment, fragmentOffset: offset, codes };
}

function take(reader: Reader, length: number): Buffer {
  return reader.table.subarray(reader.at, (reader.at += length));
}

function xattrOf(index: number): number | undefined {
  return index === NONE ? undefined : index;
}
