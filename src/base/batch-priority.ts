import { readdir, readFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { isErrno } from "./errno.ts";

/** Niceness of threads that convert images, against 0 of the thread that answers callers. */
export const BATCH_PRIORITY = 10;

const TASKS = "/proc/self/task";
/** What libuv calls the threads that decompress, and read and write files, for the whole process. */
const POOL_THREAD = "libuv-worker";

/**
 * Gives the threads of the process's pool the priority of a conversion, for that is whom they work for in a
 * process that answers callers: decompression held up lists of 10,000 images three times as long
 * as without. A system that names its threads otherwise, or does not list them, goes on as it is.
 */
export async function lowerPoolPriority(): Promise<void> {
  // To list them has started all of them.
  for (const id of await unlessAbsent(readdir(TASKS), [])) {
    const name = await unlessAbsent(readFile(`${TASKS}/${id}/comm`, "utf8"), "");
    if (name.trim() === POOL_THREAD) setPriority(Number(id), BATCH_PRIORITY);
  }
}

/** Threads may end while they are looked at. */
async function unlessAbsent<Value>(look: Promise<Value>, absent: Value): Promise<Value> {
  try {
    return await look;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return absent;
    throw error;
  }
}
