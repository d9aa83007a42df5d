import type { ByteSource, Limits } from "../base/index.ts";
import { viewOf } from "../base/index.ts";
import { BlockDecoder } from "./block-decoder.ts";
import { LookupReader } from "./lookup-reader.ts";
import { LruCache } from "./lru-cache.ts";
import { MetadataArea, type MetadataBlock, type MetadataPlace } from "./metadata-area.ts";
import { parseSuperblock } from "./parse-superblock.ts";
import { readLayout, type Area } from "./read-layout.ts";
import { refusal } from "./squashfs-error.ts";
import { SUPERBLOCK_BYTES } from "./superblock.ts";

/** Metadata blocks that are kept: 512 KiB, enough for a walk that goes back and forth. */
const CACHED_BLOCKS = 64;
/** Fragment blocks that are kept, of 1 MiB at most: files that follow each other share them. */
const CACHED_FRAGMENTS = 4;

/** An open image: its tables checked, its records yet to be read. */
export interface ImageTables {
  readonly source: ByteSource;
  readonly limits: Limits;
  readonly decoder: BlockDecoder;
  readonly blockSize: number;
  readonly inodeCount: number;
  readonly root: MetadataPlace;
  readonly data: Area;
  readonly inodes: MetadataArea;
  readonly directories: MetadataArea;
  readonly fragments: LookupReader | undefined;
  /** Uncompressed fragment blocks by their number. */
  readonly fragmentBlocks: LruCache<Uint8Array>;
  /** User and group ids by their index. */
  readonly ids: Uint32Array;
  readonly xattrs: { readonly pairs: MetadataArea; readonly sets: LookupReader } | undefined;
}

/**
 * Reads superblock, places of the tables and owners.
 *
 * @throws SquashfsError `SQUASHFS_SUPERBLOCK`, `SQUASHFS_COMPRESSOR`, `SQUASHFS_TABLE`,
 *   `SQUASHFS_BLOCK`
 * @throws LimitError `LIMIT_ENTRIES`
 */
export async function openTables(source: ByteSource, limits: Limits): Promise<ImageTables> {
  if (source.size < SUPERBLOCK_BYTES) {
    const expected = `at least ${SUPERBLOCK_BYTES} bytes`;
    throw refusal("SQUASHFS_SUPERBLOCK", "image", expected, source.size);
  }
  const block = parseSuperblock(await source.read(0, SUPERBLOCK_BYTES), source.size);
  const layout = await readLayout(source, block, limits);
  const decoder = new BlockDecoder(block.compression, block.blockSize);
  const context = { source, decoder, blocks: new LruCache<MetadataBlock>(CACHED_BLOCKS) };
  const { xattrs } = layout;
  return {
    source,
    limits,
    decoder,
    blockSize: block.blockSize,
    inodeCount: block.inodeCount,
    root: placeOf(block.rootReference),
    data: layout.data,
    inodes: new MetadataArea(context, layout.inodes, "inode table"),
    directories: new MetadataArea(context, layout.directories, "directory table"),
    fragments: layout.fragments && new LookupReader(context, layout.fragments),
    fragmentBlocks: new LruCache(CACHED_FRAGMENTS),
    ids: await readIds(new LookupReader(context, layout.ids), layout.ids.positions.length),
    xattrs: xattrs && {
      pairs: new MetadataArea(context, xattrs.pairs, "xattr pairs"),
      sets: new LookupReader(context, xattrs.ids),
    },
  };
}

/** Where a reference of 48 bits leads; one with more bits leads outside of every table. */
export function placeOf(reference: bigint): MetadataPlace {
  return { block: Number(reference >> 16n), offset: Number(reference & 0xffffn) };
}

async function readIds(table: LookupReader, blocks: number): Promise<Uint32Array> {
  const ids = new Uint32Array(table.count);
  let filled = 0;
  for (let block = 0; block < blocks; block += 1) {
    const bytes = await table.blockOf(block);
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.length; at += 4) ids[filled++] = view.getUint32(at, true);
  }
  return ids;
}
