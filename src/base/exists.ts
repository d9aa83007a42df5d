import { stat } from "node:fs/promises";
import { isErrno } from "./errno.ts";

/** Whether something is at `path`. What keeps us from telling is thrown as it is. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}
