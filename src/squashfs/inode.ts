import type { MetadataPlace } from "./metadata-area.ts";

/** What all inodes of an image say of themselves. */
interface InodeFacts {
  /** Unique in the image: names with the same number are hard links of one inode. */
  readonly number: number;
  /** Permission bits, setuid, setgid, sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, 0 … 2^32 − 1. */
  readonly mtime: number;
  /** Names of the inode, as the image counts them. */
  readonly links: number;
  /** Number of its attribute set; undefined where it has no extended attributes. */
  readonly xattrSet: number | undefined;
}

export interface DirectoryInode extends InodeFacts {
  readonly kind: "directory";
  /** Bytes of the listing. */
  readonly listingBytes: number;
  readonly listing: MetadataPlace;
  /** Entries of the listing's index, and where they are. */
  readonly indexCount: number;
  readonly index: MetadataPlace;
}

export interface FileInode extends InodeFacts {
  readonly kind: "file";
  /** Bytes of the content, holes included. */
  readonly size: number;
  /** Absolute position of the first stored block. */
  readonly start: number;
  /** Blocks of which a size is listed, holes included. */
  readonly blockCount: number;
  readonly blockList: MetadataPlace;
  /** Where the rest behind the blocks lies; undefined where there is no rest. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
}

export interface SymlinkInode extends InodeFacts {
  readonly kind: "symlink";
  readonly target: Uint8Array;
}

export interface DeviceInode extends InodeFacts {
  readonly kind: "block" | "character";
  readonly major: number;
  readonly minor: number;
}

export interface PipeInode extends InodeFacts {
  readonly kind: "fifo" | "socket";
}

/** One object of an image; several names may lead to it. */
export type SquashfsInode = DirectoryInode | FileInode | SymlinkInode | DeviceInode | PipeInode;

export type SquashfsKind = SquashfsInode["kind"];

/** Kinds by basic inode type, from 1 on; an extended type is 7 more. */
export const KINDS: readonly SquashfsKind[] = [
  "directory",
  "file",
  "symlink",
  "block",
  "character",
  "fifo",
  "socket",
];
