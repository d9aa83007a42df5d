import { limitError, safeNumber, viewOf, type ByteSource, type Limits } from "../base/index.ts";
import { METADATA_BLOCK } from "./metadata-stream.ts";
import type { ParsedSuperblock } from "./parse-superblock.ts";
import { refusal } from "./squashfs-error.ts";
import { SUPERBLOCK_BYTES } from "./superblock.ts";

/** A part of an image: absolute positions of its first byte and of the one behind its last. */
export interface Area {
  readonly start: number;
  readonly end: number;
}

/** A table of entries of one size, and where each of its metadata blocks begins. */
export interface TableIndex {
  /** The table, as errors name it. */
  readonly what: string;
  readonly count: number;
  readonly entryBytes: number;
  /** Absolute and ascending. */
  readonly positions: readonly number[];
  /** Absolute position behind the last of the blocks. */
  readonly end: number;
}

/** Where everything of an image lies. */
export interface ImageLayout {
  readonly data: Area;
  readonly inodes: Area;
  readonly directories: Area;
  readonly fragments: TableIndex | undefined;
  readonly ids: TableIndex;
  readonly xattrs: { readonly pairs: Area; readonly ids: TableIndex } | undefined;
}

/** A header and one byte. */
export const LEAST_STORED_BLOCK = 3;
const MOST_STORED_BLOCK = 2 + METADATA_BLOCK;
const LEAST_INODE = 20;
const XATTR_HEADER = 16;
const MOST_OPTIONS = 8;
const RAW_METADATA = 0x8000;

/**
 * Finds the tables, from the last to the first: each must end where the next one begins, for that
 * is how kernels find their ends.
 *
 * @throws SquashfsError `SQUASHFS_TABLE`
 * @throws LimitError `LIMIT_ENTRIES`
 * @see squashfs 4.0; squashfs.md §11
 */
export async function readLayout(
  source: ByteSource,
  block: ParsedSuperblock,
  limits: Limits,
): Promise<ImageLayout> {
  checkCounts(block, limits);
  const dataStart = SUPERBLOCK_BYTES + (await optionsBytes(source, block));
  const xattrs = await findXattrs(source, block, limits);
  const ids = await readIndex(source, {
    what: "id table",
    count: block.idCount,
    entryBytes: 4,
    indexStart: block.idTable,
    indexEnd: xattrs?.pairs.start ?? block.bytesUsed,
  });
  let next = firstOf(ids);
  if (block.exportTable !== undefined) {
    const exported = await readIndex(source, {
      what: "export table",
      count: block.inodeCount,
      entryBytes: 8,
      indexStart: block.exportTable,
      indexEnd: next,
    });
    next = firstOf(exported);
  }
  const fragments = await findFragments(source, block, next);
  if (fragments !== undefined) next = firstOf(fragments);
  const { inodeTable, directoryTable } = block;
  if (dataStart > inodeTable || inodeTable >= directoryTable || directoryTable > next) {
    throw refusal(
      "SQUASHFS_TABLE",
      "tables",
      `inodes and directories in order between ${dataStart} and ${next}`,
      `${inodeTable} and ${directoryTable}`,
    );
  }
  return {
    data: { start: dataStart, end: inodeTable },
    inodes: checkInodeArea(block, { start: inodeTable, end: directoryTable }),
    directories: { start: directoryTable, end: next },
    fragments,
    ids,
    xattrs,
  };
}

/** Bytes that metadata blocks in the last `stored` bytes of a table can hold at the very most. */
export function mostMetadata(stored: number): number {
  return Math.ceil(stored / LEAST_STORED_BLOCK) * METADATA_BLOCK;
}

function checkCounts(block: ParsedSuperblock, limits: Limits): void {
  const { inodeCount, fragmentCount, idCount } = block;
  if (inodeCount > limits.entries) throw limitError(limits, "entries", "squashfs", inodeCount);
  if (fragmentCount > inodeCount) {
    const expected = `at most one for each of ${inodeCount} inodes`;
    throw refusal("SQUASHFS_TABLE", "fragments", expected, fragmentCount);
  }
  if (idCount > 2 * inodeCount) {
    const expected = `at most two for each of ${inodeCount} inodes`;
    throw refusal("SQUASHFS_TABLE", "ids", expected, idCount);
  }
}

function checkInodeArea({ inodeCount }: ParsedSuperblock, area: Area): Area {
  const most = Math.floor(mostMetadata(area.end - area.start) / LEAST_INODE);
  if (inodeCount <= most) return area;
  throw refusal(
    "SQUASHFS_TABLE",
    "inode table",
    `room for ${inodeCount} inodes`,
    `${most} at most`,
  );
}

/** Bytes of the compressor's options, which nothing here depends on; they need only make sense. */
async function optionsBytes(source: ByteSource, block: ParsedSuperblock): Promise<number> {
  if (!block.hasOptions) return 0;
  const length = block.compression === "gzip" ? MOST_OPTIONS : 4;
  if (SUPERBLOCK_BYTES + 2 + length > block.bytesUsed) {
    throw refusal("SQUASHFS_TABLE", "compressor options", "a block of them", "the end");
  }
  const bytes = await source.read(SUPERBLOCK_BYTES, 2 + length);
  const view = viewOf(bytes);
  const header = view.getUint16(0, true);
  const level = view.getUint32(2, true);
  const isSound =
    block.compression === "gzip"
      ? level >= 1 && level <= 9 && isWindowLog(view.getUint16(6, true))
      : level >= 1 && level <= 22;
  if (header !== (length | RAW_METADATA) || !isSound) {
    const got = Buffer.from(bytes).toString("hex");
    throw refusal("SQUASHFS_TABLE", "compressor options", "those of the compressor", got);
  }
  return 2 + length;
}

function isWindowLog(log: number): boolean {
  return log >= 8 && log <= 15;
}

async function findXattrs(
  source: ByteSource,
  { xattrTable: start, bytesUsed }: ParsedSuperblock,
  limits: Limits,
): Promise<ImageLayout["xattrs"]> {
  if (start === undefined) return undefined;
  if (start < SUPERBLOCK_BYTES || start > bytesUsed - XATTR_HEADER) {
    throw refusal("SQUASHFS_TABLE", "xattr table", `it within ${bytesUsed} bytes`, start);
  }
  const view = viewOf(await source.read(start, XATTR_HEADER));
  const pairs = safeNumber(view.getBigUint64(0, true)) ?? bytesUsed;
  const count = view.getUint32(8, true);
  if (count > limits.entries) throw limitError(limits, "entries", "squashfs xattr sets", count);
  const ids = await readIndex(source, {
    what: "xattr table",
    count,
    entryBytes: 16,
    indexStart: start + XATTR_HEADER,
    indexEnd: bytesUsed,
    blocksEnd: start,
  });
  if (pairs < SUPERBLOCK_BYTES || pairs >= firstOf(ids)) {
    throw refusal("SQUASHFS_TABLE", "xattr table", `pairs before ${firstOf(ids)}`, pairs);
  }
  return { pairs: { start: pairs, end: firstOf(ids) }, ids };
}

async function findFragments(
  source: ByteSource,
  { fragmentCount: count, fragmentTable }: ParsedSuperblock,
  indexEnd: number,
): Promise<TableIndex | undefined> {
  // Where there are none, some writers name a position all the same.
  if (count === 0) return undefined;
  const what = "fragment table";
  if (fragmentTable === undefined) {
    throw refusal("SQUASHFS_TABLE", what, `${count} fragments`, "no table");
  }
  return await readIndex(source, {
    what,
    count,
    entryBytes: 16,
    indexStart: fragmentTable,
    indexEnd,
  });
}

interface IndexPlace {
  readonly what: string;
  readonly count: number;
  readonly entryBytes: number;
  readonly indexStart: number;
  readonly indexEnd: number;
  /** Where the blocks end; absent: where the index begins. */
  readonly blocksEnd?: number;
}

async function readIndex(source: ByteSource, place: IndexPlace): Promise<TableIndex> {
  const { what, count, entryBytes, indexStart, indexEnd, blocksEnd: end = indexStart } = place;
  const bytes = Math.ceil((count * entryBytes) / METADATA_BLOCK) * 8;
  if (count === 0 || indexStart < SUPERBLOCK_BYTES || indexEnd - indexStart !== bytes) {
    const expected = `an index of ${count} entries that ends at ${indexEnd}`;
    throw refusal("SQUASHFS_TABLE", what, expected, `${bytes} bytes at ${indexStart}`);
  }
  const view = viewOf(await source.read(indexStart, bytes));
  const positions = Array.from(
    { length: bytes / 8 },
    (_, index) => safeNumber(view.getBigUint64(index * 8, true)) ?? Infinity,
  );
  positions.forEach((position, index) => {
    const step = (positions[index + 1] ?? end) - position;
    if (step >= LEAST_STORED_BLOCK && step <= MOST_STORED_BLOCK) return;
    throw refusal("SQUASHFS_TABLE", what, "blocks one behind another", `a step of ${step}`);
  });
  return { what, count, entryBytes, positions, end };
}

function firstOf({ positions, end }: TableIndex): number {
  return positions[0] ?? end;
}
