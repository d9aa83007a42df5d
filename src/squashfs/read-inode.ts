import { limitError, safeNumber, viewOf } from "../base/index.ts";
import type { ImageTables } from "./image-tables.ts";
import {
  KINDS,
  type DeviceInode,
  type DirectoryInode,
  type FileInode,
  type PipeInode,
  type SquashfsInode,
  type SymlinkInode,
} from "./inode.ts";
import type { MetadataCursor, MetadataPlace } from "./metadata-area.ts";
import { refusal } from "./squashfs-error.ts";

const HEADER = 16;
const EXTENDED = 7;
const MODE_BITS = 0o7777;
/** An index that says that there is none. */
const NONE = 0xffff_ffff;
/** What a directory's size counts besides its listing. */
const EMPTY_LISTING = 3;

/** Inode header, its type, and the cursor behind it. */
interface Opened {
  readonly facts: Omit<PipeInode, "kind" | "links" | "xattrSet">;
  readonly isExtended: boolean;
  readonly cursor: MetadataCursor;
  readonly image: ImageTables;
}

/**
 * Reads the inode at `place` of the inode table, but not what it refers to.
 *
 * @throws SquashfsError `SQUASHFS_INODE`, `SQUASHFS_BLOCK`
 * @throws LimitError `LIMIT_LINK_TARGET_BYTES`
 * @see squashfs 4.0, inode table
 */
export async function readInode(image: ImageTables, place: MetadataPlace): Promise<SquashfsInode> {
  const cursor = image.inodes.cursor(place);
  const view = viewOf(await cursor.read(HEADER));
  const type = view.getUint16(0, true);
  const isExtended = type > EXTENDED;
  const kind = KINDS[(isExtended ? type - EXTENDED : type) - 1];
  const number = view.getUint32(12, true);
  if (number === 0 || number > image.inodeCount) {
    throw refusal("SQUASHFS_INODE", "inode number", `1 to ${image.inodeCount}`, number);
  }
  if (kind === undefined) throw inodeError(number, "a type from 1 to 14", type);
  const mode = view.getUint16(2, true);
  if (mode > MODE_BITS) throw inodeError(number, "a mode of 12 bits", `0${mode.toString(8)}`);
  const facts = {
    number,
    mode,
    uid: idOf(image, view.getUint16(4, true), number),
    gid: idOf(image, view.getUint16(6, true), number),
    mtime: view.getUint32(8, true),
  };
  const opened = { facts, isExtended, cursor, image };
  switch (kind) {
    case "directory":
      return await readDirectoryInode(opened);
    case "file":
      return await readFileInode(opened);
    case "symlink":
      return await readSymlink(opened);
    case "block":
    case "character":
      return await readDevice(opened, kind);
    case "fifo":
    case "socket":
      return await readPipe(opened, kind);
  }
}

async function readDirectoryInode(opened: Opened): Promise<DirectoryInode> {
  const { facts, isExtended, cursor, image } = opened;
  const view = viewOf(await cursor.read(isExtended ? 24 : 16));
  const size = isExtended ? view.getUint32(4, true) : view.getUint16(8, true);
  const block = view.getUint32(isExtended ? 8 : 0, true);
  const offset = view.getUint16(isExtended ? 18 : 10, true);
  const listing = { block, offset };
  const listingBytes = size - EMPTY_LISTING;
  const most = image.directories.mostFrom(listing);
  if (listingBytes < 0 || listingBytes > most) {
    throw inodeError(facts.number, `a listing of 0 to ${most} bytes`, listingBytes);
  }
  return {
    ...facts,
    kind: "directory",
    links: view.getUint32(isExtended ? 0 : 4, true),
    xattrSet: isExtended ? xattrSetOf(opened, view.getUint32(20, true)) : undefined,
    listing,
    listingBytes,
    indexCount: isExtended ? view.getUint16(16, true) : 0,
    index: cursor.place,
  };
}

async function readFileInode(opened: Opened): Promise<FileInode> {
  const { facts, isExtended, cursor, image } = opened;
  const view = viewOf(await cursor.read(isExtended ? 40 : 16));
  const start = isExtended ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  const size = isExtended ? view.getBigUint64(8, true) : BigInt(view.getUint32(12, true));
  const length = safeNumber(size);
  const position = safeNumber(start);
  if (length === undefined || position === undefined) {
    throw inodeError(facts.number, "a size and a start below 2^53", `${size} and ${start}`);
  }
  const fragment = fragmentOf(
    opened,
    view.getUint32(isExtended ? 28 : 4, true),
    view.getUint32(isExtended ? 32 : 8, true),
    length,
  );
  const blocks = length / image.blockSize;
  const blockCount = fragment === undefined ? Math.ceil(blocks) : Math.floor(blocks);
  const blockList = cursor.place;
  const most = image.inodes.mostFrom(blockList) / 4;
  if (blockCount > most) {
    throw inodeError(facts.number, `at most ${Math.floor(most)} blocks listed`, blockCount);
  }
  return {
    ...facts,
    kind: "file",
    links: isExtended ? view.getUint32(24, true) : 1,
    xattrSet: isExtended ? xattrSetOf(opened, view.getUint32(36, true)) : undefined,
    size: length,
    start: position,
    blockCount,
    blockList,
    fragment,
  };
}

function fragmentOf(
  { facts: { number }, image }: Opened,
  index: number,
  offset: number,
  size: number,
): FileInode["fragment"] {
  if (index === NONE) return undefined;
  const rest = size % image.blockSize;
  if (rest === 0) {
    throw inodeError(number, "no fragment where nothing is left over", `fragment ${index}`);
  }
  const count = image.fragments?.count ?? 0;
  if (index >= count) throw inodeError(number, `a fragment below ${count}`, index);
  if (offset > image.blockSize - rest) {
    const most = image.blockSize - rest;
    throw inodeError(number, `${rest} bytes at ${most} or before in their fragment`, offset);
  }
  return { index, offset };
}

async function readSymlink(opened: Opened): Promise<SymlinkInode> {
  const { facts, isExtended, cursor, image } = opened;
  const view = viewOf(await cursor.read(8));
  const length = view.getUint32(4, true);
  if (length > image.limits.linkTargetBytes) {
    throw limitError(image.limits, "linkTargetBytes", `squashfs inode ${facts.number}`, length);
  }
  const target = (await cursor.read(length)).slice();
  if (length === 0 || target.includes(0)) {
    throw inodeError(facts.number, "a link target without NUL", `${length} bytes`);
  }
  const xattr = isExtended ? await trailingXattr(opened) : undefined;
  return { ...facts, kind: "symlink", links: view.getUint32(0, true), xattrSet: xattr, target };
}

async function readDevice(opened: Opened, kind: DeviceInode["kind"]): Promise<DeviceInode> {
  const view = viewOf(await opened.cursor.read(8));
  const device = view.getUint32(4, true);
  return {
    ...opened.facts,
    kind,
    links: view.getUint32(0, true),
    xattrSet: opened.isExtended ? await trailingXattr(opened) : undefined,
    major: (device >>> 8) & 0xfff,
    minor: (device & 0xff) | ((device >>> 12) & 0xfff00),
  };
}

async function readPipe(opened: Opened, kind: PipeInode["kind"]): Promise<PipeInode> {
  const view = viewOf(await opened.cursor.read(4));
  return {
    ...opened.facts,
    kind,
    links: view.getUint32(0, true),
    xattrSet: opened.isExtended ? await trailingXattr(opened) : undefined,
  };
}

async function trailingXattr(opened: Opened): Promise<number | undefined> {
  return xattrSetOf(opened, viewOf(await opened.cursor.read(4)).getUint32(0, true));
}

function xattrSetOf({ facts, image }: Opened, index: number): number | undefined {
  if (index === NONE) return undefined;
  const count = image.xattrs?.sets.count ?? 0;
  if (index < count) return index;
  throw inodeError(facts.number, `an attribute set below ${count}`, index);
}

function idOf({ ids }: ImageTables, index: number, number: number): number {
  const id = ids[index];
  if (id !== undefined) return id;
  throw inodeError(number, `an owner below ${ids.length}`, index);
}

function inodeError(number: number, expected: string, got: string | number): Error {
  return refusal("SQUASHFS_INODE", `inode ${number}`, expected, got);
}
