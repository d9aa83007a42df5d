import { CodedError } from "../base/index.ts";

export type StoreErrorCode =
  | "NO_SPACE"
  | "STORE_BUSY"
  | "STORE_DAMAGED"
  | "STORE_EXISTS"
  | "STORE_READ_ONLY"
  | "STORE_SCHEMA"
  | "STORE_UNAVAILABLE";

/** What keeps the store from doing what was asked; never what is wrong with an image. */
export class StoreError extends CodedError<StoreErrorCode> {}

/**
 * The error to throw for `error`, met while working on `what`: a full disk or quota becomes
 * `NO_SPACE`, a read-only file system `STORE_READ_ONLY`, any other failed system call
 * `STORE_UNAVAILABLE`. Coded errors, aborts and broken invariants come back as they are.
 *
 * @param what - the file or directory, as the message names it
 */
export function storeFailure(error: Error, what: string): Error;
export function storeFailure(error: unknown, what: string): unknown;
export function storeFailure(error: unknown, what: string): unknown {
  if (error instanceof CodedError || !isSystemError(error)) return error;
  return new StoreError(codeOfErrno(error.code), `${what}: ${error.message}`, { cause: error });
}

function codeOfErrno(code: string): StoreErrorCode {
  if (code === "ENOSPC" || code === "EDQUOT") return "NO_SPACE";
  return code === "EROFS" ? "STORE_READ_ONLY" : "STORE_UNAVAILABLE";
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  // `syscall` tells them from Node's own coded errors and from aborts, which carry a code too.
  return error instanceof Error && "syscall" in error && "code" in error;
}
