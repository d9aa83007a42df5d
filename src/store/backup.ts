import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { Connection } from "./connection.ts";
import { lockFile, withLock } from "./lock-files.ts";
import { databaseFailure } from "./sqlite-error.ts";
import type { StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

/** Files that SQLite keeps beside a database. */
const COMPANIONS = ["-journal", "-wal", "-shm"];

/** The copy of the database that a lost or damaged one is rebuilt from. */
export function backupPath({ root }: Pick<StorePaths, "root">): string {
  return join(root, "siflet.db.backup");
}

/** The next backup while it is written; whoever writes it holds the lock. */
function freshPath({ tmp }: StorePaths): string {
  return join(tmp, "new.backup");
}

function lockPath({ locks }: StorePaths): string {
  return join(locks, "backup.lock");
}

/** Replaces the backup by the state of the open database, whole or not at all. */
export function writeBackup(connection: Connection, paths: StorePaths): void {
  withLock(lockPath(paths), () => {
    const fresh = freshPath(paths);
    // Left by one who died here.
    removeDatabase(fresh);
    try {
      connection.run("VACUUM INTO ?", fresh);
      chmodSync(fresh, statSync(paths.database).mode & 0o777);
      sync(fresh);
      renameSync(fresh, backupPath(paths));
      sync(paths.root);
    } catch (error) {
      // On a full disk it would be in the way of all else.
      removeDatabase(fresh);
      throw error;
    }
  });
}

/** Removes the backup that was being written when its writer died, unless another one is at it. */
export function sweepBackup(paths: StorePaths): void {
  const fresh = freshPath(paths);
  if (["", ...COMPANIONS].every((suffix) => !existsSync(fresh + suffix))) return;
  try {
    using lock = lockFile(lockPath(paths), 0);
    if (lock !== undefined) removeDatabase(fresh);
  } catch {
    // It is in nobody's way: no reason not to open the store.
  }
}

/**
 * Makes the database `fresh` out of the backup. A damaged one is put aside.
 *
 * @param check - throws StoreError `STORE_DAMAGED` for what is none of our databases
 * @returns whether there was a sound one
 * @throws what keeps a backup from being read that may be sound
 */
export function restoreBackup(
  paths: StorePaths,
  fresh: string,
  check: (connection: Connection) => void,
): boolean {
  const path = backupPath(paths);
  if (!existsSync(path)) return false;
  try {
    // The backup itself is only read, whatever is in it.
    const backup = new Connection(path, { readOnly: true });
    try {
      check(backup);
      if (backup.get("PRAGMA quick_check(1)")?.["quick_check"] === "ok") {
        backup.run("VACUUM INTO ?", fresh);
        return true;
      }
    } finally {
      backup.close();
    }
  } catch (error) {
    removeDatabase(fresh);
    if (!isDamage(error, paths.root)) throw error;
  }
  putAside(path);
  return false;
}

/** Whether `error` says that a database is damaged, and not that it cannot be read just now. */
export function isDamage(error: unknown, root: string): boolean {
  const failure = databaseFailure(error, root);
  return failure instanceof StoreError && failure.code === "STORE_DAMAGED";
}

/**
 * Gives a damaged database another name, with what belongs to it: nothing is thrown away. Nobody has
 * it open.
 */
export function putAside(path: string): void {
  const aside = unusedName(`${path}.damaged`);
  // What belongs to it first: beside another database it would be taken for that one's.
  for (const suffix of [...COMPANIONS, ""]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
}

function unusedName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}.${number}`;
    if (["", ...COMPANIONS].every((suffix) => !existsSync(name + suffix))) return name;
  }
}

/** Removes a database that nobody has open. */
export function removeDatabase(path: string): void {
  rmSync(path, { force: true });
  removeCompanions(path);
}

/** Removes what SQLite keeps beside a database that nobody has open, and that needs none of it. */
export function removeCompanions(path: string): void {
  for (const suffix of COMPANIONS) rmSync(path + suffix, { force: true });
}

/** Returns once a file, or the entries of a directory, are on stable storage. */
export function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
