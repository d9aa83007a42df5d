import { compareBytes, viewOf } from "../base/index.ts";
import type { ImageTables } from "./image-tables.ts";
import { KINDS, type DirectoryInode, type SquashfsInode, type SquashfsKind } from "./inode.ts";
import { METADATA_BLOCK } from "./metadata-stream.ts";
import type { MetadataCursor, MetadataPlace } from "./metadata-area.ts";
import { readInode } from "./read-inode.ts";
import { refusal, SquashfsError } from "./squashfs-error.ts";

/** One name in a directory. */
export interface SquashfsEntry {
  /** Any bytes but NUL and `/`; 1 to 255 of them. */
  readonly name: Uint8Array;
  readonly kind: SquashfsKind;
  readonly inodeNumber: number;
  readonly inodePlace: MetadataPlace;
}

const RUN_HEADER = 12;
const ENTRY_HEADER = 8;
const INDEX_HEADER = 12;
const MOST_IN_RUN = 256;
const MOST_NAME = 255;
const SLASH = 0x2f;
const DOT = 0x2e;

/** Where reading a listing begins: at its start, or at the header that an index entry names. */
interface ListingPosition {
  /** Bytes of the listing before it. */
  readonly position: number;
  readonly place: MetadataPlace;
  /** The name behind the header, where an index told it. */
  readonly name?: Uint8Array;
}

/**
 * The names in `directory`, ascending by their bytes. Holds one entry at a time.
 *
 * @throws SquashfsError `SQUASHFS_DIRECTORY`, `SQUASHFS_BLOCK`
 * @see squashfs 4.0, directory table
 */
export async function* readListing(
  image: ImageTables,
  directory: DirectoryInode,
  signal: AbortSignal,
  from: ListingPosition = { position: 0, place: directory.listing },
): AsyncGenerator<SquashfsEntry, void, undefined> {
  const listing = new ListingReader(image, directory, from);
  let before: Uint8Array | undefined;
  while (listing.left > 0) {
    signal.throwIfAborted();
    const run = await listing.run();
    for (let index = 0; index < run.count; index += 1) {
      const entry = await listing.entry(run);
      if (before !== undefined && compareBytes(before, entry.name) >= 0) {
        throw listing.error("names in order, each once", quoteName(entry.name));
      }
      if (before === undefined && from.name && compareBytes(from.name, entry.name) !== 0) {
        throw listing.error(`${quoteName(from.name)} as its index says`, quoteName(entry.name));
      }
      before = entry.name;
      yield entry;
    }
  }
}

/** The entry `name` of `directory`; undefined where there is none. Throws as `readListing` does. */
export async function findEntry(
  image: ImageTables,
  directory: DirectoryInode,
  name: Uint8Array,
  signal: AbortSignal,
): Promise<SquashfsEntry | undefined> {
  const from = await findSlice(image, directory, name);
  for await (const entry of readListing(image, directory, signal, from)) {
    const order = compareBytes(entry.name, name);
    if (order === 0) return entry;
    if (order > 0) return undefined;
  }
  return undefined;
}

/**
 * The inode that `entry` leads to.
 *
 * @throws SquashfsError `SQUASHFS_DIRECTORY` where the inode is not what the entry says; and as
 *   `readInode` does
 */
export async function inodeOf(image: ImageTables, entry: SquashfsEntry): Promise<SquashfsInode> {
  const inode = await readInode(image, entry.inodePlace);
  if (inode.kind === entry.kind && inode.number === entry.inodeNumber) return inode;
  throw refusal(
    "SQUASHFS_DIRECTORY",
    `name ${quoteName(entry.name)}`,
    `inode ${entry.inodeNumber}, a ${entry.kind}`,
    `inode ${inode.number}, a ${inode.kind}`,
  );
}

/** The last place in the listing that an index names and that does not lie behind `name`. */
async function findSlice(
  image: ImageTables,
  directory: DirectoryInode,
  name: Uint8Array,
): Promise<ListingPosition> {
  const { listing, listingBytes, indexCount } = directory;
  let found: ListingPosition = { position: 0, place: listing };
  if (indexCount === 0) return found;
  const cursor = image.inodes.cursor(directory.index);
  // Some writers name the first header, too.
  let before = -1;
  for (let index = 0; index < indexCount; index += 1) {
    const view = viewOf(await cursor.read(INDEX_HEADER));
    const position = view.getUint32(0, true);
    const sliceName = await cursor.read(nameLength(directory, view.getUint32(8, true)));
    const isBehind = position > before && position < listingBytes;
    if (!isBehind || (found.name && compareBytes(found.name, sliceName) >= 0)) {
      const expected = "an index in order within its listing";
      throw directoryError(directory, expected, `${quoteName(sliceName)} at ${position}`);
    }
    if (compareBytes(sliceName, name) > 0) break;
    const block = view.getUint32(4, true);
    const offset = (listing.offset + position) % METADATA_BLOCK;
    found = { position, place: { block, offset }, name: sliceName };
    before = position;
  }
  return found;
}

/** Entries whose inodes lie in one metadata block. */
interface Run {
  readonly count: number;
  readonly inodeBlock: number;
  readonly inodeNumber: number;
}

/** Reads the headers and entries of a listing, and counts what is left of it. */
class ListingReader {
  readonly #image: ImageTables;
  readonly #directory: DirectoryInode;
  readonly #cursor: MetadataCursor;
  #left: number;

  constructor(image: ImageTables, directory: DirectoryInode, from: ListingPosition) {
    this.#image = image;
    this.#directory = directory;
    this.#cursor = image.directories.cursor(from.place);
    this.#left = directory.listingBytes - from.position;
  }

  /** Bytes of the listing that were not read yet. */
  get left(): number {
    return this.#left;
  }

  async run(): Promise<Run> {
    const view = viewOf(await this.#read(RUN_HEADER));
    const count = view.getUint32(0, true) + 1;
    if (count > MOST_IN_RUN) throw this.error(`runs of at most ${MOST_IN_RUN} names`, count);
    return {
      count,
      inodeBlock: view.getUint32(4, true),
      inodeNumber: view.getUint32(8, true),
    };
  }

  async entry(run: Run): Promise<SquashfsEntry> {
    const view = viewOf(await this.#read(ENTRY_HEADER));
    const type = view.getUint16(4, true);
    const kind = KINDS[type - 1];
    if (kind === undefined) throw this.error("a type from 1 to 7", type);
    const length = nameLength(this.#directory, view.getUint16(6, true));
    // A copy: whoever collects names must not keep whole blocks with them.
    const name = (await this.#read(length)).slice();
    if (!isName(name)) throw this.error("a name of a file", quoteName(name));
    const inodeNumber = run.inodeNumber + view.getInt16(2, true);
    if (inodeNumber < 1 || inodeNumber > this.#image.inodeCount) {
      throw this.error(`inode numbers from 1 to ${this.#image.inodeCount}`, inodeNumber);
    }
    const inodePlace = { block: run.inodeBlock, offset: view.getUint16(0, true) };
    return { name, kind, inodeNumber, inodePlace };
  }

  error(expected: string, got: string | number): SquashfsError {
    return directoryError(this.#directory, expected, got);
  }

  async #read(length: number): Promise<Uint8Array> {
    if (length > this.#left) throw this.error(`${length} more bytes of listing`, this.#left);
    this.#left -= length;
    return await this.#cursor.read(length);
  }
}

function nameLength(directory: DirectoryInode, stored: number): number {
  if (stored < MOST_NAME) return stored + 1;
  throw directoryError(directory, `names of at most ${MOST_NAME} bytes`, stored + 1);
}

function isName(name: Uint8Array): boolean {
  if (name.includes(0) || name.includes(SLASH)) return false;
  const isDots = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
  return !isDots;
}

function directoryError(
  { number }: DirectoryInode,
  expected: string,
  got: string | number,
): SquashfsError {
  return refusal("SQUASHFS_DIRECTORY", `directory ${number}`, expected, got);
}

const MOST_SHOWN = 200;

/** The bytes of a name or path as messages show them. */
export function quoteName(name: Uint8Array): string {
  const text = Buffer.from(name.subarray(0, MOST_SHOWN)).toString();
  return JSON.stringify(name.length > MOST_SHOWN ? `${text}…` : text);
}
