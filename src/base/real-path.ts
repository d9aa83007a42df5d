import { realpath } from "node:fs/promises";
import { isErrno } from "./errno.ts";

/**
 * `path` without links on the way to it, which is what rules for directories go by: a link in one directory
 * would bring in what lies in another. One that cannot be followed stays as it is: whoever opens it says why.
 *
 * @param path - absolute
 */
export async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG")) return path;
    throw error;
  }
}
