import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isSqliteError, SQLITE_BUSY } from "./sqlite-error.ts";

/** How long the maker of a store waits for another one. */
const WAIT_MS = 30_000;

/**
 * Locks that the operating system frees when their holder dies and that reach every machine that
 * has the file system: each is the exclusive lock of an empty SQLite file.
 *
 * Such a file, like the database, must never be opened by anything but SQLite in this process:
 * POSIX drops all locks of a process on a file as soon as it closes *any* descriptor of it. And
 * it is not deleted when released, since a waiter may have opened it already and would then hold
 * the lock of a file that no one else can see.
 */
export class LockFiles {
  readonly #held = new Map<string, DatabaseSync>();

  /** Whether the lock at `path` was free, and now is ours. */
  tryLock(path: string): boolean {
    const database = lockFile(path, 0);
    if (database === undefined) return false;
    this.#held.set(path, database);
    return true;
  }

  /** @param forget - deletes the file: only for a name that nobody will ever use again */
  unlock(path: string, forget: boolean): void {
    const database = this.#held.get(path);
    if (database === undefined) return;
    this.#held.delete(path);
    if (forget) rmSync(path, { force: true });
    database.close();
  }

  close(): void {
    for (const path of this.#held.keys()) this.unlock(path, false);
  }
}

/**
 * Does `work` while holding the lock at `path`, after waiting for it.
 *
 * @throws StoreError `STORE_BUSY` (by way of SQLite's own code) when it stays taken
 */
export function withLock<Result>(path: string, work: () => Result): Result {
  const database = new DatabaseSync(path, { timeout: WAIT_MS });
  try {
    takeLock(database);
    return work();
  } finally {
    database.close();
  }
}

/** Takes the lock at `path`, held until the answer is closed; undefined where it stays taken. */
export function lockFile(path: string, timeoutMs: number): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: timeoutMs });
  try {
    takeLock(database);
    return database;
  } catch (error) {
    database.close();
    if (isSqliteError(error, SQLITE_BUSY)) return undefined;
    throw error;
  }
}

function takeLock(database: DatabaseSync): void {
  // The first write transaction of an empty file starts a journal, which has no business on disk.
  database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
}
