import { access, constants, lstat } from "node:fs/promises";
import { dirname } from "node:path";
import { PullError } from "../pull/index.ts";

/**
 * Refuses, before anything is done for it, a file that could not be written at the end.
 *
 * @throws PullError `OUTPUT_EXISTS` where something has this name and `force` is not set,
 *   `OUTPUT_FAILED` where its directory cannot be written
 */
export async function requireOutputPlace(path: string, force: boolean): Promise<void> {
  if (!force && (await isThere(path))) {
    throw new PullError("OUTPUT_EXISTS", `${path} exists already (--force replaces it)`);
  }
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw outputFailure(path, error);
  }
}

/** A symbolic link is there also when what it names is not. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw outputFailure(path, error);
  }
}

function outputFailure(path: string, error: unknown): PullError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PullError("OUTPUT_FAILED", `cannot write ${path}: ${reason}`, { cause: error });
}
