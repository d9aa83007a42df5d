import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "./connection.ts";
import type { StorePaths } from "./store-directory.ts";

/** Files that SQLite keeps beside a database. */
const COMPANIONS = ["-journal", "-wal", "-shm"];

/** The copy of the database that a lost or damaged one is rebuilt from. */
export function backupPath({ root }: Pick<StorePaths, "root">): string {
  return join(root, "siflet.db.backup");
}

/** Replaces the backup by the state of the open database, whole or not at all. */
export function writeBackup(connection: Connection, paths: StorePaths): void {
  const fresh = join(paths.tmp, "new.backup");
  removeDatabase(fresh);
  connection.run("VACUUM INTO ?", fresh);
  chmodSync(fresh, statSync(paths.database).mode & 0o777);
  sync(fresh);
  renameSync(fresh, backupPath(paths));
  sync(paths.root);
}

/**
 * Makes the database `fresh` out of the backup.
 *
 * @param check - throws for what is none of our databases
 * @returns whether there was a sound one
 */
export function restoreBackup(
  paths: StorePaths,
  fresh: string,
  check: (connection: Connection) => void,
): boolean {
  try {
    // The backup itself is only read, whatever is in it.
    const backup = new Connection(backupPath(paths), { readOnly: true });
    try {
      check(backup);
      if (backup.get("PRAGMA quick_check(1)")?.["quick_check"] !== "ok") return false;
      backup.run("VACUUM INTO ?", fresh);
      return true;
    } finally {
      backup.close();
    }
  } catch {
    // None there, or as damaged as what it was to replace: the files alone must do.
    removeDatabase(fresh);
    return false;
  }
}

/** Gives a damaged database another name, with what belongs to it: nothing is thrown away. */
export function setAside({ database }: StorePaths): void {
  const aside = `${database}.damaged`;
  removeDatabase(aside);
  for (const suffix of ["", ...COMPANIONS]) {
    try {
      renameSync(database + suffix, aside + suffix);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}

/** Removes a database that nobody has open. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", ...COMPANIONS]) rmSync(path + suffix, { force: true });
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
