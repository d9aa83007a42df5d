import { statSync } from "node:fs";
import { isErrno } from "../base/index.ts";

/** What a file is, without reading it. */
export interface FileFacts {
  /** Bytes of its content. */
  readonly size: number;
  /** Bytes that it takes up on the disk, and that its removal gives back. */
  readonly allocated: number;
}

/** What the unit of `blocks` is, whatever the file system's own is. */
const BLOCK_BYTES = 512;

/** What lies at `path`; undefined where there is no file, or none that we may look at. */
export function fileFactsOf(path: string): FileFacts | undefined {
  try {
    const { size, blocks } = statSync(path);
    return { size, allocated: blocks * BLOCK_BYTES };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP")) return undefined;
    throw error;
  }
}
