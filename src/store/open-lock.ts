import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { lockFile } from "./lock-files.ts";
import type { StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

/** How long the maker of a database waits for those who have the old one open. */
const WAIT_MS = 10_000;
const TRY_MS = 100;

function lockPath({ locks }: StorePaths): string {
  return join(locks, "open.lock");
}

/** Held by everyone who has a store open to be written; disposing of it gives it back. */
export class OpenLock implements Disposable {
  readonly #database: DatabaseSync;

  /**
   * Waits while somebody makes the database anew. Locks of SQLite end with their process and reach
   * every machine that has the file system.
   */
  constructor(paths: StorePaths) {
    this.#database = new DatabaseSync(lockPath(paths), { timeout: WAIT_MS });
    // A read that is never ended keeps a shared lock.
    this.#database.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/**
 * Does `work` while nobody has the store open to be written, as soon as that is so.
 *
 * @param isNeeded - asked before each try: another process may have done it
 * @returns undefined where it is not needed any more
 * @throws StoreError `STORE_BUSY`
 */
export function withOpenersOut<Result>(
  paths: StorePaths,
  isNeeded: () => boolean,
  work: () => Result,
): Result | undefined {
  const tries = WAIT_MS / TRY_MS;
  for (let count = 0; count < tries; count += 1) {
    if (!isNeeded()) return undefined;
    const lock = lockFile(lockPath(paths), TRY_MS);
    if (lock === undefined) continue;
    try {
      return isNeeded() ? work() : undefined;
    } finally {
      lock.close();
    }
  }
  throw new StoreError(
    "STORE_BUSY",
    `store ${paths.root}: the database is lost or damaged, and other processes have it open: end them first`,
  );
}
