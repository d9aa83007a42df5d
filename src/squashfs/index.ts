export { compressorName, type CompressorName } from "./compressor-name.ts";
export { type BlockSource } from "./data-plan.ts";
export type { DirectoryInode, FileInode, SquashfsInode, SquashfsKind } from "./inode.ts";
export type { ByteRange } from "./read-content.ts";
export type { SquashfsEntry } from "./read-directory.ts";
export type { SquashfsFile, SquashfsPath } from "./resolve-path.ts";
export { SquashfsError, type SquashfsErrorCode } from "./squashfs-error.ts";
export { planSquashfs, type SquashfsImage, type SquashfsOptions } from "./squashfs-image.ts";
export { openSquashfs, SquashfsReader, type OpenSquashfsOptions } from "./squashfs-reader.ts";
