import type { Limits } from "../base/index.ts";
import { BATCH_BYTES, type CodecSettings } from "../codec/index.ts";
import { INODE_KIND, type SortedTree } from "../tree/index.ts";
import { planData, type BlockSource, type DataPlan } from "./data-plan.ts";
import { writeListing, type DirectoryEntry, type Listing } from "./directory-writer.ts";
import { IdTable } from "./id-table.ts";
import { writeDirectoryInode, writeInode, type InodeContext } from "./inode-writer.ts";
import {
  lookupTable,
  metadataReference,
  MetadataStream,
  type Compress,
} from "./metadata-stream.ts";
import { formatSuperblock, SUPERBLOCK_BYTES, SUPERBLOCK_FLAGS } from "./superblock.ts";
import { directoriesPostOrder, numberInodes } from "./tree-order.ts";
import { XattrTable } from "./xattr-table.ts";

/** Image sizes are whole multiples of this: kernels read in device blocks. */
const PADDING = 4096;
/**
 * Runtimes look for a launch script in these first bytes of a partition and, where they find the
 * text, expect the superblock behind it.
 */
const LAUNCH_WINDOW = 2048;
const LAUNCH_TEXT = Buffer.from(" run-singularity");

export interface SquashfsOptions {
  readonly tree: SortedTree;
  /** The converted layers; layer numbers of inodes count from 1. */
  readonly layers: readonly BlockSource[];
  readonly settings: CodecSettings;
  /** Compresses metadata with the image's codec. */
  readonly compress: Compress;
  /** Writes every uid and gid as 0. */
  readonly rootOwns: boolean;
  readonly limits: Limits;
}

/** A squashfs image whose size is known and that is yet to be written, strictly forward. */
export interface SquashfsImage {
  /** Bytes with padding: a multiple of 4096. */
  readonly size: number;
  /** The image from its first byte to its last, in pieces that are valid until the next one. */
  chunks(): Iterable<Uint8Array>;
}

/**
 * Lays an image out: all metadata in memory, data blocks still in the layers.
 *
 * @throws LimitError `LIMIT_IDS`
 * @see squashfs 4.0; docs/profiles.md for the order of everything in it
 */
export function planSquashfs(options: SquashfsOptions): SquashfsImage {
  const image = planFrom(options, SUPERBLOCK_BYTES);
  // Block positions are part of the compressed metadata, so moving the data means planning again.
  return hasLaunchText(image) ? planFrom(options, PADDING) : image;
}

function planFrom(options: SquashfsOptions, dataStart: number): SquashfsImage {
  const { tree, layers, settings } = options;
  const plan = planData(tree, layers, settings.blockSize, dataStart);
  const { superblock, tail } = layOutMetadata(options, plan);
  const end = plan.end + tail.reduce((sum, part) => sum + part.length, 0);
  const size = Math.ceil(end / PADDING) * PADDING;
  return {
    size,
    *chunks() {
      yield superblock;
      if (dataStart > SUPERBLOCK_BYTES) yield new Uint8Array(dataStart - SUPERBLOCK_BYTES);
      yield* dataChunks(plan, layers);
      yield* tail;
      if (size > end) yield new Uint8Array(size - end);
    },
  };
}

function* dataChunks(plan: DataPlan, layers: readonly BlockSource[]): Iterable<Uint8Array> {
  const buffer = new Uint8Array(BATCH_BYTES);
  const { copies } = plan;
  let filled = 0;
  for (let at = 0; at < copies.length; at += 3) {
    const layer = layers[copies[at] ?? 0];
    if (layer === undefined) throw new Error("a copy from no layer");
    let block = copies[at + 1] ?? 0;
    let left = copies[at + 2] ?? 0;
    while (left > 0) {
      // Small ranges are gathered: hashing and writing go by large pieces.
      if (buffer.length - filled < BATCH_BYTES / 2) {
        yield buffer.subarray(0, filled);
        filled = 0;
      }
      const read = layer.readBlocks(block, left, buffer.subarray(filled));
      filled += read.bytes;
      block += read.blocks;
      left -= read.blocks;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

interface Metadata {
  readonly superblock: Uint8Array;
  readonly tail: readonly Uint8Array[];
}

function layOutMetadata(options: SquashfsOptions, plan: DataPlan): Metadata {
  const { tree, settings, compress } = options;
  const ids = new IdTable(options.limits);
  const xattrs = new XattrTable(tree.inodes.xattrSets, compress);
  const tables = writeTrees(options, plan, ids, xattrs);
  const tail: Uint8Array[] = [tables.inodes, tables.directories];
  let position = plan.end + tables.inodes.length + tables.directories.length;
  const append = (bytes: Uint8Array): void => {
    tail.push(bytes);
    position += bytes.length;
  };
  const fragments = fragmentEntries(plan);
  let fragmentTable: number | undefined;
  if (fragments.length > 0) {
    const { bytes, indexPosition } = lookupTable(fragments, position, compress);
    append(bytes);
    fragmentTable = indexPosition;
  }
  const idTable = lookupTable(ids.entries(), position, compress);
  append(idTable.bytes);
  const xattrTable = xattrs.finish(position);
  if (xattrTable !== undefined) append(xattrTable.bytes);
  const superblock = formatSuperblock({
    inodeCount: tree.inodeCount,
    blockSize: settings.blockSize,
    fragmentCount: plan.fragmentTable.length,
    compressor: settings.squashfsId,
    flags:
      SUPERBLOCK_FLAGS.sharesEqualFiles |
      (fragmentTable === undefined ? SUPERBLOCK_FLAGS.noFragments : 0) |
      (xattrTable === undefined ? SUPERBLOCK_FLAGS.noXattrs : 0),
    idCount: ids.count,
    rootReference: tables.rootReference,
    bytesUsed: position,
    idTable: idTable.indexPosition,
    xattrTable: xattrTable?.headerPosition,
    inodeTable: plan.end,
    directoryTable: plan.end + tables.inodes.length,
    fragmentTable,
  });
  return { superblock, tail };
}

interface Trees {
  readonly inodes: Uint8Array;
  readonly directories: Uint8Array;
  readonly rootReference: bigint;
}

/** Writes inode and directory tables together: each holds places in the other. */
function writeTrees(
  options: SquashfsOptions,
  plan: DataPlan,
  ids: IdTable,
  xattrs: XattrTable,
): Trees {
  const { tree, compress } = options;
  const order = directoriesPostOrder(tree);
  const numbers = numberInodes(tree, order);
  const inodeStream = new MetadataStream(compress);
  const directoryStream = new MetadataStream(compress);
  const context: InodeContext = {
    tree,
    layers: options.layers,
    plan,
    blockSize: options.settings.blockSize,
    rootOwns: options.rootOwns,
    numbers,
    ids,
    xattrs,
    stream: inodeStream,
  };
  const places = new InodePlaces(tree.inodes.count);
  const listings = new Map<number, Listing>();
  const writeDirectory = (inode: number, parentNumber: number): void => {
    const listing = listings.get(inode);
    if (listing === undefined) throw new Error("a directory before its listing");
    listings.delete(inode);
    writeDirectoryInode(context, inode, listing, parentNumber);
  };
  for (const directory of order) {
    const self = tree.inodeOf(directory);
    const children = tree.children(directory);
    for (const node of children) {
      const inode = tree.inodeOf(node);
      if (places.has(inode)) continue;
      places.set(inode, inodeStream.blockStart, inodeStream.offset);
      if (tree.inodes.kind[inode] === INODE_KIND.directory) {
        writeDirectory(inode, numbers[self] ?? 0);
      } else {
        writeInode(context, inode);
      }
    }
    const entries = Array.from(children, (node) => entryOf(tree, node, numbers, places));
    listings.set(self, writeListing(directoryStream, entries));
  }
  const rootReference = metadataReference(inodeStream.blockStart, inodeStream.offset);
  writeDirectory(tree.inodeOf(tree.root), tree.inodeCount + 1);
  return {
    inodes: inodeStream.finish().bytes,
    directories: directoryStream.finish().bytes,
    rootReference,
  };
}

function entryOf(
  tree: SortedTree,
  node: number,
  numbers: Uint32Array,
  places: InodePlaces,
): DirectoryEntry {
  const inode = tree.inodeOf(node);
  return {
    name: tree.name(node),
    type: tree.inodes.kind[inode] ?? 0,
    inodeNumber: numbers[inode] ?? 0,
    inodeBlock: places.block(inode),
    inodeOffset: places.offset(inode),
  };
}

/** Where every inode was written: 6 bytes each. */
class InodePlaces {
  readonly #blocks: Uint32Array;
  /** One more than the offset; 0 for an inode that was not written yet. */
  readonly #offsets: Uint16Array;

  constructor(count: number) {
    this.#blocks = new Uint32Array(count);
    this.#offsets = new Uint16Array(count);
  }

  has(inode: number): boolean {
    return this.#offsets[inode] !== 0;
  }

  set(inode: number, block: number, offset: number): void {
    this.#blocks[inode] = block;
    this.#offsets[inode] = offset + 1;
  }

  block(inode: number): number {
    return this.#blocks[inode] ?? 0;
  }

  offset(inode: number): number {
    return (this.#offsets[inode] ?? 0) - 1;
  }
}

function fragmentEntries(plan: DataPlan): Uint8Array {
  const bytes = Buffer.alloc(plan.fragmentTable.length * 16);
  plan.fragmentTable.forEach(({ start, size }, index) => {
    bytes.writeBigUInt64LE(BigInt(start), index * 16);
    bytes.writeUInt32LE(size, index * 16 + 8);
  });
  return bytes;
}

function hasLaunchText(image: SquashfsImage): boolean {
  const window = Buffer.alloc(LAUNCH_WINDOW);
  let filled = 0;
  for (const chunk of image.chunks()) {
    const part = chunk.subarray(0, LAUNCH_WINDOW - filled);
    window.set(part, filled);
    filled += part.length;
    if (filled === LAUNCH_WINDOW) break;
  }
  return window.includes(LAUNCH_TEXT);
}
