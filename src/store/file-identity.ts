import { lstat } from "node:fs/promises";
import { isErrno } from "../base/index.ts";

/** Changes whenever another file or other bytes stand at `path`; undefined where no file does. */
export async function identityOf(path: string): Promise<string | undefined> {
  try {
    const found = await lstat(path, { bigint: true });
    if (!found.isFile()) return undefined;
    return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
