export type EntryKind =
  "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

export interface Xattr {
  /** Full name with its namespace: `security.capability`. */
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** One entry as its layer has it: nothing resolved, whiteouts are names like any other. */
export interface TarEntry {
  readonly kind: EntryKind;
  /**
   * Cleaned name, relative to the root: components joined by "/", no slash at either end, "" is
   * the root itself, which is always a directory.
   */
  readonly path: Uint8Array;
  /** Permission bits, setuid, setgid, sticky: 0 … 0o7777; 0o777 for every symlink. */
  readonly mode: number;
  /** 0 … 2^32 − 2. */
  readonly uid: number;
  /** 0 … 2^32 − 2. */
  readonly gid: number;
  /** Whole seconds, rounded down; may be negative or past 2^32, at most 2^53 either way. */
  readonly mtime: number;
  /** Logical bytes of a file, holes included; 0 for every other kind. */
  readonly size: number;
  /** A symlink's target as it stands, a hard link's as a cleaned path; else empty. */
  readonly linkTarget: Uint8Array;
  /** Of a device, 0 … 4095; else 0. */
  readonly deviceMajor: number;
  /** Of a device, 0 … 2^20 − 1; else 0. */
  readonly deviceMinor: number;
  /** Sorted by the bytes of their names; without those that no image keeps (layers.md §5.2). */
  readonly xattrs: readonly Xattr[];
}

/** What a `TarReader` tells, in the order of the archive. */
export interface TarSink {
  /** The next entry. For a file, `data` and `hole` calls follow that sum to its size, then `end`. */
  entry(entry: TarEntry): void;
  /** The next bytes of the file, never none: a view of the pushed chunk, valid during the call. */
  data(bytes: Uint8Array): void;
  /** The next `length` (> 0) bytes of the file are zeros that the archive does not store. */
  hole(length: number): void;
  /** The file is complete; also follows files without a byte. */
  end(): void;
  /** Something was left out or looks wrong; each kind of it is told once for an archive. */
  warn(message: string): void;
}
