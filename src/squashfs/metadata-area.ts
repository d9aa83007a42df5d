import type { ByteSource } from "../base/index.ts";
import type { BlockDecoder } from "./block-decoder.ts";
import type { LruCache } from "./lru-cache.ts";
import { METADATA_BLOCK } from "./metadata-stream.ts";
import { LEAST_STORED_BLOCK, mostMetadata, type Area } from "./read-layout.ts";
import { refusal } from "./squashfs-error.ts";

/** One uncompressed metadata block. */
export interface MetadataBlock {
  /** Never changed: records are views into it. */
  readonly bytes: Uint8Array;
  /** Where the next block begins, in stored bytes from the area's start. */
  readonly next: number;
}

/** Where a record begins: the stored start of its block from the area's start, and its offset. */
export interface MetadataPlace {
  readonly block: number;
  readonly offset: number;
}

/** What all metadata areas of one image share; blocks are cached by absolute position. */
export interface MetadataContext {
  readonly source: ByteSource;
  readonly decoder: BlockDecoder;
  readonly blocks: LruCache<MetadataBlock>;
}

const HEADER = 2;
const RAW = 0x8000;

/**
 * Metadata blocks one behind another, as a table consists of them.
 *
 * @see squashfs 4.0, metadata blocks
 */
export class MetadataArea {
  readonly #context: MetadataContext;
  readonly #area: Area;
  readonly #what: string;

  /** @param what - the table, as errors name it */
  constructor(context: MetadataContext, area: Area, what: string) {
    this.#context = context;
    this.#area = area;
    this.#what = what;
  }

  cursor(place: MetadataPlace): MetadataCursor {
    return new MetadataCursor(this, place, this.#what);
  }

  /** The most bytes of records that can lie at `place` and behind it. */
  mostFrom({ block }: MetadataPlace): number {
    return mostMetadata(Math.max(0, this.#area.end - this.#area.start - block));
  }

  /**
   * The block whose header lies at `start`.
   *
   * @throws SquashfsError `SQUASHFS_BLOCK`
   */
  async block(start: number): Promise<MetadataBlock> {
    const { source, blocks, decoder } = this.#context;
    const position = this.#area.start + start;
    const left = this.#area.end - position;
    if (left < LEAST_STORED_BLOCK) {
      const end = this.#area.end - this.#area.start;
      throw refusal("SQUASHFS_BLOCK", this.#what, `a block within its ${end} bytes`, start);
    }
    // After the check, for the block behind an area's end may be cached as one of the next area.
    const cached = blocks.get(position);
    if (cached !== undefined) return cached;
    const what = `${this.#what}, block at ${start}`;
    // One read for header and payload: nearly always most of it is the block.
    const bytes = await source.read(position, Math.min(left, HEADER + METADATA_BLOCK));
    const header = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
    const size = header & ~RAW;
    if (size === 0 || size > METADATA_BLOCK || HEADER + size > left) {
      const most = Math.min(METADATA_BLOCK, left - HEADER);
      throw refusal("SQUASHFS_BLOCK", what, `1 to ${most} stored bytes`, size);
    }
    const stored = bytes.subarray(HEADER, HEADER + size);
    const isRaw = (header & RAW) !== 0;
    const content = isRaw ? stored : decoder.decodeNow(stored, METADATA_BLOCK, what);
    const next = start + HEADER + size;
    // Offsets count on full blocks, so only the last may be shorter.
    const isFull = content.length === METADATA_BLOCK;
    if (content.length === 0 || (!isFull && HEADER + size !== left)) {
      throw refusal("SQUASHFS_BLOCK", what, `${METADATA_BLOCK} bytes`, content.length);
    }
    const block = { bytes: content, next };
    blocks.add(position, block);
    return block;
  }
}

/** Reads records one after another, across the ends of blocks. */
export class MetadataCursor {
  readonly #area: MetadataArea;
  readonly #what: string;
  #start: number;
  #offset: number;
  #block: MetadataBlock | undefined;

  constructor(area: MetadataArea, { block, offset }: MetadataPlace, what: string) {
    this.#area = area;
    this.#start = block;
    this.#offset = offset;
    this.#what = what;
  }

  /** Where the next record begins. */
  get place(): MetadataPlace {
    return this.#block !== undefined && this.#offset === this.#block.bytes.length
      ? { block: this.#block.next, offset: 0 }
      : { block: this.#start, offset: this.#offset };
  }

  /**
   * The next `length` bytes, not to be changed: a view where one block holds them all.
   *
   * @param length - bounded by the caller
   * @throws SquashfsError `SQUASHFS_BLOCK`, also where the table ends before
   */
  async read(length: number): Promise<Uint8Array> {
    let block = this.#block ?? (await this.#open());
    if (length > 0 && this.#offset === block.bytes.length) block = await this.#advance(block);
    if (this.#offset + length <= block.bytes.length) {
      const view = block.bytes.subarray(this.#offset, this.#offset + length);
      this.#offset += length;
      return view;
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      if (this.#offset === block.bytes.length) block = await this.#advance(block);
      const piece = block.bytes.subarray(this.#offset, this.#offset + length - done);
      bytes.set(piece, done);
      done += piece.length;
      this.#offset += piece.length;
    }
    return bytes;
  }

  async #open(): Promise<MetadataBlock> {
    const block = await this.#area.block(this.#start);
    if (this.#offset >= block.bytes.length) {
      const expected = `a record within ${block.bytes.length} bytes`;
      throw refusal(
        "SQUASHFS_BLOCK",
        `${this.#what}, block at ${this.#start}`,
        expected,
        this.#offset,
      );
    }
    this.#block = block;
    return block;
  }

  async #advance(from: MetadataBlock): Promise<MetadataBlock> {
    const block = await this.#area.block(from.next);
    this.#start = from.next;
    this.#offset = 0;
    this.#block = block;
    return block;
  }
}
