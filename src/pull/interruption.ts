import { CodedError } from "../base/index.ts";
import { HttpError } from "../http/index.ts";
import { RegistryError } from "../registry/index.ts";
import { isNoSpace } from "./pull-error.ts";

/** Whether the source or the caller ended it, so that the bytes that came may be used later. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  // Another layer found no room: this one is not to keep it either.
  if (signal.aborted && isNoSpace(signal.reason)) return false;
  if (signal.aborted || error instanceof HttpError) return true;
  return error instanceof RegistryError || isOfLibrary(error);
}

/** By its code: the class would load what speaks to libraries for every pull. */
function isOfLibrary(error: unknown): boolean {
  return error instanceof CodedError && String(error.code).startsWith("LIBRARY_");
}
