import { statfsSync } from "node:fs";
import { StoreError, storeFailure, type StoreErrorCode } from "./store-error.ts";

/** Primary result codes of SQLite. */
export const SQLITE_BUSY = 5;
const SQLITE_ERROR = 1;
const SQLITE_IOERR = 10;

/** What our own statements find wrong is no fault of theirs: the database has not what it should have. */
const LACKING = /^no such (?:table|column): /;

const CODES: ReadonlyMap<number, StoreErrorCode> = new Map([
  [SQLITE_BUSY, "STORE_BUSY"],
  [6, "STORE_BUSY"], // LOCKED
  [8, "STORE_READ_ONLY"],
  [SQLITE_IOERR, "STORE_UNAVAILABLE"],
  [11, "STORE_DAMAGED"], // CORRUPT
  [13, "NO_SPACE"], // FULL
  [14, "STORE_UNAVAILABLE"], // CANTOPEN
  [15, "STORE_UNAVAILABLE"], // PROTOCOL: the locks of a WAL do not work here
  [22, "STORE_UNAVAILABLE"], // NOLFS: a file system without large files
  [26, "STORE_DAMAGED"], // NOTADB
]);

export function isSqliteError(error: unknown, primaryCode: number): boolean {
  return resultCode(error) === primaryCode;
}

/** The error to throw for `error`, met while working on the store in `root`. */
export function databaseFailure(error: unknown, root: string): unknown {
  const result = resultCode(error);
  if (result === undefined || !(error instanceof Error))
    return storeFailure(error, `store ${root}`);
  let code = CODES.get(result);
  if (result === SQLITE_ERROR && LACKING.test(error.message)) code = "STORE_DAMAGED";
  if (code === undefined) return error;
  // Growing the shared memory of a WAL on a full disk is reported as a plain I/O error.
  if (result === SQLITE_IOERR && isFull(root)) code = "NO_SPACE";
  return new StoreError(code, `store ${root}: database: ${error.message}`, { cause: error });
}

/** Whether SQLite failed because the disk of the store in `root` is full. */
export function isDiskFull(error: unknown, root: string): boolean {
  const failure = databaseFailure(error, root);
  return failure instanceof StoreError && failure.code === "NO_SPACE";
}

function isFull(root: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(root);
    return bavail * bsize < 64 * 1024;
  } catch {
    // The store's own error says more than a failure to explain it.
    return false;
  }
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
