import { isErrno } from "../base/index.ts";
import { ImageError } from "../image/index.ts";
import { isSystemError, PullError } from "./pull-error.ts";

/**
 * Does `work`, and says what its system errors mean for the file of this host at `path`.
 *
 * @throws ImageError `NOT_FOUND` where there is none, PullError `LOCAL_FILE_UNREADABLE`; else as `work`
 */
export async function readable<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) {
      throw new ImageError("NOT_FOUND", `${path}: no such file`, { cause: error });
    }
    if (!isSystemError(error)) throw error;
    throw new PullError("LOCAL_FILE_UNREADABLE", `cannot read ${path}: ${error.message}`, {
      cause: error,
    });
  }
}
