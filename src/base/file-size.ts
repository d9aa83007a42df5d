import { stat } from "node:fs/promises";
import { isErrno } from "./errno.ts";

/** Bytes of the file at `path`; 0 where there is none. */
export async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}
