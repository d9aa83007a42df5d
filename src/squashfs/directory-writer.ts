import { viewOf } from "../base/index.ts";
import { METADATA_BLOCK, type MetadataStream } from "./metadata-stream.ts";

/** One name in a directory, with the place of its inode. */
export interface DirectoryEntry {
  readonly name: Uint8Array;
  /** Basic inode type, 1–7, also for an extended inode. */
  readonly type: number;
  readonly inodeNumber: number;
  /** Stored start of the inode's metadata block, from the start of the inode table. */
  readonly inodeBlock: number;
  readonly inodeOffset: number;
}

/** Where a listing was written, as its directory's inode needs it. */
export interface Listing {
  readonly blockStart: number;
  readonly offset: number;
  /** Bytes of headers and entries. */
  readonly bytes: number;
  /** For each further 8 KiB of the listing: a header, where it is, the name behind it. */
  readonly index: readonly ListingIndex[];
}

export interface ListingIndex {
  readonly position: number;
  readonly blockStart: number;
  readonly name: Uint8Array;
}

const HEADER = 12;
const ENTRY = 8;
const MOST_ENTRIES = 256;
/** Inodes count the entries of an index in 16 bits; what lies behind is found by reading on. */
const MOST_IN_INDEX = 0xffff;
/** Inodes keep the bytes of a listing in 32 bits, and 3 more. */
const MOST_BYTES = 0xffff_ffff - 3;

/**
 * Writes a directory's listing: runs of at most 256 entries whose inodes lie in one metadata block,
 * with an index entry wherever the listing passes another 8 KiB.
 *
 * @param entries - ascending by name
 * @see squashfs 4.0, directory table
 */
export function writeListing(stream: MetadataStream, entries: readonly DirectoryEntry[]): Listing {
  const { blockStart, offset } = stream;
  const index: ListingIndex[] = [];
  let bytes = 0;
  let sliceStart = 0;
  let from = 0;
  while (from < entries.length) {
    const run = takeRun(entries, from, bytes, sliceStart);
    if (run.startsSlice && index.length < MOST_IN_INDEX) {
      index.push({
        position: bytes,
        blockStart: stream.blockStart,
        name: entries[from]?.name ?? new Uint8Array(0),
      });
    }
    if (run.startsSlice) sliceStart = bytes;
    bytes += writeRun(stream, entries, from, run.to);
    from = run.to;
    if (bytes > MOST_BYTES) throw new Error("a directory whose names squashfs cannot count");
  }
  return { blockStart, offset, bytes, index };
}

/** How far the run that begins with entry `from` reaches, and whether it begins a new slice. */
function takeRun(
  entries: readonly DirectoryEntry[],
  from: number,
  position: number,
  sliceStart: number,
): { readonly to: number; readonly startsSlice: boolean } {
  const first = entries[from];
  if (first === undefined) throw new Error("an empty run");
  const firstEnd = position + HEADER + ENTRY + first.name.length;
  const startsSlice = firstEnd - sliceStart > METADATA_BLOCK;
  const slice = startsSlice ? position : sliceStart;
  let end = position + HEADER;
  let to = from;
  for (; to < entries.length && to - from < MOST_ENTRIES; to += 1) {
    const entry = entries[to];
    if (entry === undefined) break;
    const delta = entry.inodeNumber - first.inodeNumber;
    end += ENTRY + entry.name.length;
    const fits =
      entry.inodeBlock === first.inodeBlock &&
      delta >= -32_768 &&
      delta <= 32_767 &&
      end - slice <= METADATA_BLOCK;
    if (to > from && !fits) break;
  }
  return { to, startsSlice };
}

function writeRun(
  stream: MetadataStream,
  entries: readonly DirectoryEntry[],
  from: number,
  to: number,
): number {
  const run = entries.slice(from, to);
  const first = run[0];
  if (first === undefined) throw new Error("an empty run");
  const length = run.reduce((sum, entry) => sum + ENTRY + entry.name.length, HEADER);
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setUint32(0, run.length - 1, true);
  view.setUint32(4, first.inodeBlock, true);
  view.setUint32(8, first.inodeNumber, true);
  let at = HEADER;
  for (const entry of run) {
    view.setUint16(at, entry.inodeOffset, true);
    view.setInt16(at + 2, entry.inodeNumber - first.inodeNumber, true);
    view.setUint16(at + 4, entry.type, true);
    view.setUint16(at + 6, entry.name.length - 1, true);
    bytes.set(entry.name, at + ENTRY);
    at += ENTRY + entry.name.length;
  }
  stream.write(bytes);
  return length;
}
