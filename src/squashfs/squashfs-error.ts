import { CodedError } from "../base/index.ts";

export type SquashfsErrorCode =
  | "SQUASHFS_SUPERBLOCK"
  | "SQUASHFS_COMPRESSOR"
  | "SQUASHFS_TABLE"
  | "SQUASHFS_BLOCK"
  | "SQUASHFS_INODE"
  | "SQUASHFS_DIRECTORY"
  | "SQUASHFS_XATTR"
  | "PATH_NOT_FOUND"
  | "PATH_WRONG_TYPE"
  | "PATH_LINK_LOOP";

/**
 * Bytes that are not a sound squashfs image, or a path that is not in one.
 *
 * - `SQUASHFS_SUPERBLOCK`: no squashfs 4.0 superblock, or one that contradicts itself or the file
 * - `SQUASHFS_COMPRESSOR`: neither gzip nor zstd
 * - `SQUASHFS_TABLE`: tables that are out of order, have gaps, or do not hold what they must
 * - `SQUASHFS_BLOCK`: a block that is out of place, does not decompress, or has a wrong size
 * - `SQUASHFS_INODE`, `SQUASHFS_DIRECTORY`, `SQUASHFS_XATTR`: a record that readers must refuse
 * - `PATH_NOT_FOUND`: no such name in the image
 * - `PATH_WRONG_TYPE`: no directory where one must be, or no regular file
 * - `PATH_LINK_LOOP`: more symbolic links on the way than Linux follows
 */
export class SquashfsError extends CodedError<SquashfsErrorCode> {}

/** The error for a part of an image that is not as it must be. */
export function refusal(
  code: SquashfsErrorCode,
  what: string,
  expected: string,
  got: string | number | bigint,
): SquashfsError {
  return new SquashfsError(code, `squashfs ${what}: expected ${expected}, got ${got}`);
}
