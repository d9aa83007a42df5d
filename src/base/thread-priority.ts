import { readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { getPriority, setPriority } from "node:os";
import { getSystemErrorName } from "node:util";
import { isErrno } from "./errno.ts";

/** Niceness of threads that convert images, where the process has no higher one. */
const BATCH_PRIORITY = 10;
const ANSWER_PRIORITY = -5;
/** What a process has that nobody gave another one. */
const USUAL_PRIORITY = 0;

const TASKS = "/proc/self/task";
/** What libuv calls the threads that decompress, and read and write files, for the whole process. */
const POOL_THREAD = "libuv-worker";

/**
 * Gives the calling thread, and the threads and processes that it starts from now on, a higher priority than
 * the usual one, where the system lets it: to root, and as far as the limit of niceness goes. What a thread
 * does that answers callers takes a millisecond, and while images are converted it waited several for a
 * processor. A priority that somebody has chosen stays.
 */
export function raisePriority(): void {
  if (getPriority(0) !== USUAL_PRIORITY) return;
  try {
    setPriority(0, ANSWER_PRIORITY);
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM")) throw error;
  }
}

/** As `isErrno` of a priority: Node has a code of its own for all of them, and what the system said as a number. */
function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !("errno" in error)) return false;
  const { errno } = error;
  return typeof errno === "number" && codes.includes(getSystemErrorName(errno));
}

/**
 * Gives threads that `start` starts the priority of a conversion at once. By themselves they could take it only
 * when they have come up, which is most of the work that some of them do.
 */
export function startAtBatchPriority<Started>(start: () => Started): Started {
  const before = new Set(taskIds());
  const started = start();
  for (const id of taskIds()) if (!before.has(id)) lowerPriority(Number(id));
  return started;
}

/**
 * Gives a thread the priority of a conversion, where it has a higher one: whoever gave the process a lower one
 * wants that, and would have to be root to take it back. Nothing happens where the thread has ended by now.
 *
 * @param id - of the thread; absent: the calling one
 */
export function lowerPriority(id = 0): void {
  try {
    if (getPriority(id) < BATCH_PRIORITY) setPriority(id, BATCH_PRIORITY);
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) throw error;
  }
}

/** Threads of this process; none where the system does not list them. */
function taskIds(): readonly string[] {
  try {
    return readdirSync(TASKS);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/**
 * Gives the threads of the process's pool the priority of a conversion, for that is whom they work for in a
 * process that answers callers: decompression held up lists of 10,000 images three times as long
 * as without. A system that names its threads otherwise, or does not list them, goes on as it is.
 */
export async function lowerPoolPriority(): Promise<void> {
  // To list them has started all of them.
  for (const id of await unlessAbsent(readdir(TASKS), [])) {
    const name = await unlessAbsent(readFile(`${TASKS}/${id}/comm`, "utf8"), "");
    if (name.trim() === POOL_THREAD) lowerPriority(Number(id));
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
