import type { ByteSource, Limits } from "../base/index.ts";
import type { Xattr } from "../layers/index.ts";
import { openTables, type ImageTables } from "./image-tables.ts";
import type { DirectoryInode, FileInode, SquashfsInode } from "./inode.ts";
import { readContent, type ByteRange } from "./read-content.ts";
import { inodeOf, readListing, type SquashfsEntry } from "./read-directory.ts";
import { readXattrs } from "./read-xattrs.ts";
import { quotePath, resolvePath, type SquashfsFile, type SquashfsPath } from "./resolve-path.ts";
import { SquashfsError } from "./squashfs-error.ts";
import { walkTree } from "./walk-tree.ts";

export interface OpenSquashfsOptions {
  readonly limits: Limits;
}

/**
 * Opens a squashfs 4.0 image of gzip or zstd, whoever made it, and checks how its tables lie. What
 * they hold is checked when it is read, at least as strictly as Linux does.
 *
 * @param source - the image from its superblock on, padding included; its bytes must not change,
 *   and it must stay open for as long as the reader is used
 * @throws SquashfsError `SQUASHFS_SUPERBLOCK`, `SQUASHFS_COMPRESSOR`, `SQUASHFS_TABLE`,
 *   `SQUASHFS_BLOCK`
 * @throws LimitError `LIMIT_ENTRIES` for more inodes or attribute sets
 * @see squashfs.md §1 to §4, §11
 */
export async function openSquashfs(
  source: ByteSource,
  options: OpenSquashfsOptions,
  signal: AbortSignal,
): Promise<SquashfsReader> {
  signal.throwIfAborted();
  return new SquashfsReader(await openTables(source, options.limits));
}

/**
 * An open image. Nothing of it is held but small caches: 512 KiB of metadata and four fragment
 * blocks of at most 1 MiB, so what a hostile image makes us hold is bounded. Every method throws
 * SquashfsError `SQUASHFS_BLOCK`, `SQUASHFS_INODE` and `SQUASHFS_DIRECTORY` for what it meets
 * damaged, and the signal's reason.
 */
export class SquashfsReader {
  readonly #image: ImageTables;

  /** For `openSquashfs`. */
  constructor(image: ImageTables) {
    this.#image = image;
  }

  /** Inodes of the image, as its superblock counts them. */
  get inodeCount(): number {
    return this.#image.inodeCount;
  }

  /**
   * Finds `path`, from the root of the image: `..` and links never lead out of it.
   *
   * @param options.follow - whether a symbolic link at the very end is followed; links before it
   *   always are
   * @returns the inode and its path without links
   * @throws SquashfsError `PATH_NOT_FOUND`; `PATH_WRONG_TYPE` where something before the end is no
   *   directory; `PATH_LINK_LOOP` for more than 40 links
   * @throws LimitError `LIMIT_PATH_BYTES`, `LIMIT_LINK_TARGET_BYTES`
   */
  async stat(
    path: SquashfsPath,
    options: { readonly follow: boolean },
    signal: AbortSignal,
  ): Promise<SquashfsFile> {
    return await resolvePath(this.#image, path, options.follow, signal);
  }

  /** The names in `directory`, ascending by their bytes. */
  readdir(directory: DirectoryInode, signal: AbortSignal): AsyncIterable<SquashfsEntry> {
    return readListing(this.#image, directory, signal);
  }

  /**
   * The inode of a name.
   *
   * @throws LimitError `LIMIT_LINK_TARGET_BYTES`
   */
  async inodeOf(entry: SquashfsEntry, signal: AbortSignal): Promise<SquashfsInode> {
    signal.throwIfAborted();
    return await inodeOf(this.#image, entry);
  }

  /**
   * The content of `file`, at most one block of the image at a time, holes as zeros. Chunks are
   * shared and must not be changed.
   *
   * @param range - the part that is wanted; `{}` is all of it
   * @throws SquashfsError `SQUASHFS_TABLE` for a damaged fragment table
   */
  content(file: FileInode, range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return readContent(this.#image, file, range, signal);
  }

  /**
   * The content of the regular file at `path`, as `stat`, which follows links, and `content` have it.
   *
   * @throws SquashfsError `PATH_WRONG_TYPE` where that is something else
   */
  async *read(
    path: SquashfsPath,
    range: ByteRange,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { inode } = await this.stat(path, { follow: true }, signal);
    if (inode.kind !== "file") {
      const message = `expected a regular file, got a ${inode.kind}`;
      throw new SquashfsError("PATH_WRONG_TYPE", `${quotePath(path)}: ${message}`);
    }
    yield* this.content(inode, range, signal);
  }

  /**
   * The extended attributes of `inode`, in the order in which they are stored.
   *
   * @throws SquashfsError `SQUASHFS_XATTR`, `SQUASHFS_TABLE`
   * @throws LimitError `LIMIT_XATTR_BYTES`
   */
  async xattrs(inode: SquashfsInode, signal: AbortSignal): Promise<readonly Xattr[]> {
    signal.throwIfAborted();
    return inode.xattrSet === undefined ? [] : await readXattrs(this.#image, inode.xattrSet);
  }

  /**
   * `directory` and everything below it, depth first, names ascending; paths begin at `directory`,
   * whose own is empty. Besides the caches it holds 8 bytes for each inode it has met. Images with
   * a directory in two places, or two inodes of one number, are refused here.
   *
   * @throws LimitError `LIMIT_ENTRIES`, `LIMIT_PATH_DEPTH`, `LIMIT_PATH_BYTES`,
   *   `LIMIT_LINK_TARGET_BYTES`
   */
  walk(directory: DirectoryInode, signal: AbortSignal): AsyncIterable<SquashfsFile> {
    return walkTree(this.#image, directory, signal);
  }
}
