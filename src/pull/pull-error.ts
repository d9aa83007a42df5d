import { CodedError } from "../base/index.ts";

export type PullErrorCode =
  | "OUTPUT_EXISTS"
  | "OUTPUT_FAILED"
  | "NO_SPACE"
  | "FILE_SYSTEM_UNSUPPORTED"
  | "LOCAL_FILE_REFUSED"
  | "LOCAL_FILE_UNREADABLE";

/**
 * - `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`: a result that could not be put where it shall go
 * - `FILE_SYSTEM_UNSUPPORTED`: an image whose root file system is none that is read here
 * - `LOCAL_FILE_REFUSED`, `LOCAL_FILE_UNREADABLE`: a SIF file of this host that may not, or cannot be
 *   used
 */
export class PullError extends CodedError<PullErrorCode> {}

/** What a system error about the file at `path` means to whoever asked for the file. */
export function outputError(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  const options = { cause: error };
  if (error.code === "EEXIST") {
    return new PullError("OUTPUT_EXISTS", `${path} exists already`, options);
  }
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new PullError("NO_SPACE", `no space left to write ${path}`, options);
  }
  return new PullError("OUTPUT_FAILED", `cannot write ${path}: ${error.message}`, options);
}

/** Whether a call of the operating system failed. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** Whether something failed for want of room, whoever found that out. */
export function isNoSpace(error: unknown): boolean {
  return error instanceof CodedError && error.code === "NO_SPACE";
}
