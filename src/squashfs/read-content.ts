import { safeNumber, viewOf } from "../base/index.ts";
import { RAW_BLOCK, storedBytes } from "../codec/index.ts";
import type { ImageTables } from "./image-tables.ts";
import type { FileInode } from "./inode.ts";
import { refusal } from "./squashfs-error.ts";

/** Bytes `start` to before `end` of a file. */
export interface ByteRange {
  /** Absent: from its first byte. */
  readonly start?: number;
  /** Absent: to its end. */
  readonly end?: number;
}

/** Sizes of blocks that are read at once: 8 KiB of them. */
const LIST_PIECE = 2048;

/** Where a block of some file lies. */
interface StoredBlock {
  readonly what: string;
  readonly position: number;
  /** Size code. */
  readonly code: number;
}

/**
 * The bytes of `file` in order, one block at a time; holes as zeros. Chunks are not to be changed:
 * several files may be shown the same ones.
 *
 * @param range - the part that is wanted; what lies behind the file's end is not there
 * @throws SquashfsError `SQUASHFS_BLOCK`, `SQUASHFS_INODE`, `SQUASHFS_TABLE`
 * @see squashfs 4.0, data blocks and fragments
 */
export async function* readContent(
  image: ImageTables,
  file: FileInode,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { blockSize } = image;
  const start = Math.max(0, range.start ?? 0);
  const end = Math.min(file.size, range.end ?? file.size);
  if (start >= end) return;
  const part = (content: Uint8Array, begin: number): Uint8Array =>
    content.subarray(Math.max(0, start - begin), Math.max(0, end - begin));
  const zeros = new ZeroBytes();
  for await (const { index, position, code } of listedBlocks(image, file)) {
    signal.throwIfAborted();
    const begin = index * blockSize;
    if (begin >= end) return;
    const length = Math.min(blockSize, file.size - begin);
    if (begin + length <= start) continue;
    const what = `inode ${file.number}, block ${index}`;
    const content =
      code === 0 ? zeros.of(length) : await readWhole(image, { what, position, code }, length);
    yield part(content, begin);
  }
  const begin = file.blockCount * blockSize;
  if (file.fragment === undefined || end <= begin) return;
  signal.throwIfAborted();
  const { index, offset } = file.fragment;
  const fragment = await readFragment(image, index);
  const rest = file.size - begin;
  if (offset + rest > fragment.length) {
    const expected = `${rest} bytes at ${offset} in fragment ${index}`;
    throw refusal("SQUASHFS_INODE", `inode ${file.number}`, expected, fragment.length);
  }
  yield part(fragment.subarray(offset, offset + rest), begin);
}

/** The size code of every block of `file`, and where the block lies. */
async function* listedBlocks(
  image: ImageTables,
  file: FileInode,
): AsyncGenerator<{ index: number; position: number; code: number }, void, undefined> {
  if (file.blockCount === 0) return;
  const cursor = image.inodes.cursor(file.blockList);
  let position = file.start;
  for (let first = 0; first < file.blockCount; first += LIST_PIECE) {
    const count = Math.min(LIST_PIECE, file.blockCount - first);
    const view = viewOf(await cursor.read(count * 4));
    for (let at = 0; at < count; at += 1) {
      const code = view.getUint32(at * 4, true);
      yield { index: first + at, position, code };
      position += storedBytes(code);
    }
  }
}

/** A block that is `length` bytes long. */
async function readWhole(
  image: ImageTables,
  block: StoredBlock,
  length: number,
): Promise<Uint8Array> {
  const content = await readBlock(image, block, length);
  if (content.length === length) return content;
  throw refusal("SQUASHFS_BLOCK", block.what, `${length} bytes`, content.length);
}

/** A block of at most `most` bytes. */
async function readBlock(
  image: ImageTables,
  { what, position, code }: StoredBlock,
  most: number,
): Promise<Uint8Array> {
  const { data, source, decoder } = image;
  const stored = storedBytes(code);
  const isRaw = (code & RAW_BLOCK) !== 0;
  if (stored === 0 || stored > most || code >= 2 * RAW_BLOCK) {
    // Kernels read no block that is longer compressed than it is by itself.
    throw refusal("SQUASHFS_BLOCK", what, `a size of 1 to ${most}`, `0x${code.toString(16)}`);
  }
  if (position < data.start || position + stored > data.end) {
    const expected = `it between ${data.start} and ${data.end}`;
    throw refusal("SQUASHFS_BLOCK", what, expected, `${stored} bytes at ${position}`);
  }
  const bytes = await source.read(position, stored);
  return isRaw ? bytes : await decoder.decode(bytes, most, what);
}

async function readFragment(image: ImageTables, index: number): Promise<Uint8Array> {
  const cached = image.fragmentBlocks.get(index);
  if (cached !== undefined) return cached;
  if (image.fragments === undefined) throw new Error("a fragment of an image without them");
  const view = viewOf(await image.fragments.entry(index));
  const what = `fragment ${index}`;
  const position = safeNumber(view.getBigUint64(0, true)) ?? Infinity;
  const code = view.getUint32(8, true);
  const content = await readBlock(image, { what, position, code }, image.blockSize);
  image.fragmentBlocks.add(index, content);
  return content;
}

/** One buffer for all the holes of a file, made when there is one. */
class ZeroBytes {
  #bytes = new Uint8Array(0);

  of(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}
