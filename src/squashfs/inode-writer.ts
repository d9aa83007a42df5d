import { viewOf } from "../base/index.ts";
import { INODE_KIND, NONE, type SortedTree } from "../tree/index.ts";
import type { DataPlan, BlockSource } from "./data-plan.ts";
import type { Listing } from "./directory-writer.ts";
import type { IdTable } from "./id-table.ts";
import type { MetadataStream } from "./metadata-stream.ts";
import type { XattrTable } from "./xattr-table.ts";

/** Added to a basic inode type where the extended form is written. */
const EXTENDED = 7;
const MOST_32 = 0xffff_ffff;
const LIST_CHUNK = 2048;

export interface InodeContext {
  readonly tree: SortedTree;
  readonly layers: readonly BlockSource[];
  readonly plan: DataPlan;
  readonly blockSize: number;
  /** Writes every uid and gid as 0. */
  readonly rootOwns: boolean;
  readonly numbers: Uint32Array;
  readonly ids: IdTable;
  readonly xattrs: XattrTable;
  readonly stream: MetadataStream;
}

/**
 * Writes the inode of a directory whose listing has been written.
 *
 * @param parentNumber - inode number of the directory that it is in
 * @see squashfs 4.0, inode table, directories
 */
export function writeDirectoryInode(
  context: InodeContext,
  inode: number,
  listing: Listing,
  parentNumber: number,
): void {
  const { tree, stream, xattrs } = context;
  const xattr = xattrs.idOf(tree.inodes.xattrs[inode] ?? NONE);
  const size = listing.bytes + 3;
  const links = tree.linkCounts[inode] ?? 0;
  if (xattr === NONE && listing.index.length === 0 && size <= 0xffff) {
    const bytes = header(context, inode, INODE_KIND.directory, 32);
    const view = viewOf(bytes);
    view.setUint32(16, listing.blockStart, true);
    view.setUint32(20, links, true);
    view.setUint16(24, size, true);
    view.setUint16(26, listing.offset, true);
    view.setUint32(28, parentNumber, true);
    stream.write(bytes);
    return;
  }
  const bytes = header(context, inode, INODE_KIND.directory + EXTENDED, 40);
  const view = viewOf(bytes);
  view.setUint32(16, links, true);
  view.setUint32(20, size, true);
  view.setUint32(24, listing.blockStart, true);
  view.setUint32(28, parentNumber, true);
  view.setUint16(32, listing.index.length, true);
  view.setUint16(34, listing.offset, true);
  view.setUint32(36, xattr, true);
  stream.write(bytes);
  for (const { position, blockStart, name } of listing.index) {
    const entry = new Uint8Array(12 + name.length);
    const entryView = viewOf(entry);
    entryView.setUint32(0, position, true);
    entryView.setUint32(4, blockStart, true);
    entryView.setUint32(8, name.length - 1, true);
    entry.set(name, 12);
    stream.write(entry);
  }
}

/** Writes the inode of anything but a directory, basic where that can say it all. */
export function writeInode(context: InodeContext, inode: number): void {
  const kind = context.tree.inodes.kind[inode];
  switch (kind) {
    case INODE_KIND.file:
      writeFile(context, inode);
      return;
    case INODE_KIND.symlink:
      writeSymlink(context, inode);
      return;
    case INODE_KIND.block:
    case INODE_KIND.character:
    case INODE_KIND.fifo:
      writeSpecial(context, inode, kind);
      return;
    default:
      throw new Error(`inode ${inode} is of kind ${String(kind)}`);
  }
}

function writeFile(context: InodeContext, inode: number): void {
  const { tree, plan, stream, blockSize } = context;
  const data = tree.inodes.data(inode);
  const size = tree.inodes.size[inode] ?? 0;
  const start = plan.starts[inode] ?? 0;
  const fragment = plan.fragments[inode] ?? NONE;
  const offset = data.kind === "fragment" ? data.offset : 0;
  const xattr = context.xattrs.idOf(tree.inodes.xattrs[inode] ?? NONE);
  const links = tree.linkCounts[inode] ?? 0;
  const sparse = data.kind === "blocks" ? sparseBytes(size, data.runs, blockSize) : 0;
  if (xattr === NONE && links === 1 && sparse === 0 && size <= MOST_32 && start <= MOST_32) {
    const bytes = header(context, inode, INODE_KIND.file, 32);
    const view = viewOf(bytes);
    view.setUint32(16, start, true);
    view.setUint32(20, fragment, true);
    view.setUint32(24, offset, true);
    view.setUint32(28, size, true);
    stream.write(bytes);
  } else {
    const bytes = header(context, inode, INODE_KIND.file + EXTENDED, 56);
    const view = viewOf(bytes);
    view.setBigUint64(16, BigInt(start), true);
    view.setBigUint64(24, BigInt(size), true);
    view.setBigUint64(32, BigInt(sparse), true);
    view.setUint32(40, links, true);
    view.setUint32(44, fragment, true);
    view.setUint32(48, offset, true);
    view.setUint32(52, xattr, true);
    stream.write(bytes);
  }
  if (data.kind === "blocks") {
    const layer = context.layers[(tree.inodes.layer[inode] ?? 0) - 1];
    if (layer === undefined) throw new Error(`inode ${inode} is of no layer`);
    writeBlockList(stream, layer, data.firstBlock, size, data.runs, blockSize);
  }
}

/** Bytes of a file that lie in holes; one less where that is all of it, so that it uses a block. */
function sparseBytes(size: number, runs: Uint32Array | undefined, blockSize: number): number {
  if (runs === undefined) return 0;
  let block = 0;
  let sparse = 0;
  runs.forEach((count, index) => {
    if (index % 2 === 1) {
      sparse += Math.min((block + count) * blockSize, size) - block * blockSize;
    }
    block += count;
  });
  return sparse === size ? size - 1 : sparse;
}

/** The size code of every block, 0 for a hole, in pieces: a terabyte of holes is 32 MB of these. */
function writeBlockList(
  stream: MetadataStream,
  layer: BlockSource,
  firstBlock: number,
  size: number,
  runs: Uint32Array | undefined,
  blockSize: number,
): void {
  const piece = new Uint8Array(LIST_CHUNK * 4);
  const view = viewOf(piece);
  let stored = firstBlock;
  const write = (count: number, isHole: boolean): void => {
    for (let done = 0; done < count;) {
      const some = Math.min(LIST_CHUNK, count - done);
      for (let index = 0; index < some; index += 1) {
        view.setUint32(index * 4, isHole ? 0 : (layer.sizes[stored + index] ?? 0), true);
      }
      stream.write(piece.subarray(0, some * 4));
      if (!isHole) stored += some;
      done += some;
    }
  };
  if (runs === undefined) write(Math.ceil(size / blockSize), false);
  else
    runs.forEach((count, index) => {
      write(count, index % 2 === 1);
    });
}

function writeSymlink(context: InodeContext, inode: number): void {
  const { tree, stream } = context;
  const target = tree.inodes.linkTarget(inode);
  const xattr = context.xattrs.idOf(tree.inodes.xattrs[inode] ?? NONE);
  const isExtended = xattr !== NONE;
  const type = INODE_KIND.symlink + (isExtended ? EXTENDED : 0);
  const bytes = header(context, inode, type, 24 + target.length + (isExtended ? 4 : 0));
  const view = viewOf(bytes);
  view.setUint32(16, tree.linkCounts[inode] ?? 0, true);
  view.setUint32(20, target.length, true);
  bytes.set(target, 24);
  if (isExtended) view.setUint32(24 + target.length, xattr, true);
  stream.write(bytes);
}

function writeSpecial(context: InodeContext, inode: number, kind: 4 | 5 | 6): void {
  const { tree, stream } = context;
  const xattr = context.xattrs.idOf(tree.inodes.xattrs[inode] ?? NONE);
  const isExtended = xattr !== NONE;
  const isDevice = kind !== INODE_KIND.fifo;
  const basic = isDevice ? 24 : 20;
  const bytes = header(
    context,
    inode,
    kind + (isExtended ? EXTENDED : 0),
    basic + (isExtended ? 4 : 0),
  );
  const view = viewOf(bytes);
  view.setUint32(16, tree.linkCounts[inode] ?? 0, true);
  if (isDevice) view.setUint32(20, tree.inodes.size[inode] ?? 0, true);
  if (isExtended) view.setUint32(basic, xattr, true);
  stream.write(bytes);
}

/** `length` bytes that begin with the 16 that all inodes share. */
function header(context: InodeContext, inode: number, type: number, length: number): Uint8Array {
  const { inodes } = context.tree;
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  const idOf = (id: number | undefined): number =>
    context.ids.indexOf(context.rootOwns ? 0 : (id ?? 0));
  view.setUint16(0, type, true);
  view.setUint16(2, inodes.mode[inode] ?? 0, true);
  view.setUint16(4, idOf(inodes.uid[inode]), true);
  view.setUint16(6, idOf(inodes.gid[inode]), true);
  view.setUint32(8, inodes.mtime[inode] ?? 0, true);
  view.setUint32(12, context.numbers[inode] ?? 0, true);
  return bytes;
}
