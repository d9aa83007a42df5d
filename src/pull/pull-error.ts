import { CodedError } from "../base/index.ts";

/** A result that could not be put where the caller wants it. */
export class PullError extends CodedError<"OUTPUT_EXISTS" | "OUTPUT_FAILED" | "NO_SPACE"> {}

/** What a system error about the file at `path` means to whoever asked for the file. */
export function outputError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return error;
  }
  if (!("syscall" in error)) return error;
  const options = { cause: error };
  if (error.code === "EEXIST") {
    return new PullError("OUTPUT_EXISTS", `${path} exists already`, options);
  }
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new PullError("NO_SPACE", `no space left to write ${path}`, options);
  }
  return new PullError("OUTPUT_FAILED", `cannot write ${path}: ${error.message}`, options);
}
