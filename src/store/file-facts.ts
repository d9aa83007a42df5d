import { statSync } from "node:fs";
import { allocatedBytes, isErrno } from "../base/index.ts";

/** What a file is, without reading it. */
export interface FileFacts {
  /** Bytes of its content. */
  readonly size: number;
  /** Bytes that it takes up on the disk, and that its removal gives back. */
  readonly allocated: number;
}

/** What lies at `path`; undefined where there is no file, or none that we may look at. */
export function fileFactsOf(path: string): FileFacts | undefined {
  try {
    const stats = statSync(path);
    return { size: stats.size, allocated: allocatedBytes(stats) };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP")) return undefined;
    throw error;
  }
}
