import { randomBytes } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "./sqlite-error.ts";
import type { StorePaths } from "./store-directory.ts";

/** Enough for the log and the shared memory of a few transactions. */
const RESERVE_BYTES = 192 * 1024;

function reservePath({ root }: StorePaths): string {
  return join(root, "siflet.db.reserve");
}

/** Puts some room aside, where there is any: without it nothing could be removed from a full disk. */
export function keepReserve(paths: StorePaths): void {
  const path = reservePath(paths);
  if (existsSync(path)) return;
  try {
    // Random, or a file system that compresses would keep nothing free.
    writeFileSync(path, randomBytes(RESERVE_BYTES), { mode: 0o600 });
  } catch {
    rmSync(path, { force: true });
  }
}

/** Does `work`, and where the disk is full once more with the room that was put aside. */
export function withReserve<Result>(paths: StorePaths, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!isDiskFull(error, paths.root) || !freeReserve(paths)) throw error;
    return work();
  }
}

/** Gives the room back that was put aside; false where there was none. */
function freeReserve(paths: StorePaths): boolean {
  const path = reservePath(paths);
  if (!existsSync(path)) return false;
  rmSync(path, { force: true });
  return true;
}
