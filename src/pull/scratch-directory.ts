import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { clearAway, isErrno } from "../base/index.ts";
import { isMarkOfDead, newProcessMark } from "./process-mark.ts";
import { outputError } from "./pull-error.ts";

/** A hidden directory beside a result, removed when it is disposed of. */
export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string;
}

/** What stands before the mark of the process. */
const PREFIX = ".siflet-";
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a directory for the files of one pull in `parent`, and removes what pulls that were killed
 * left there: at once where their process ran here, and after a day where that cannot be told.
 *
 * @param now - milliseconds since 1970
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function makeScratchDirectory(parent: string, now: number): Promise<ScratchDirectory> {
  try {
    await sweep(parent, now);
    const path = join(parent, `${PREFIX}${await newProcessMark()}`);
    await mkdir(path, { mode: 0o700 });
    return {
      path,
      async [Symbol.asyncDispose]() {
        await clearAway(path);
      },
    };
  } catch (error) {
    throw outputError(parent, error);
  }
}

async function sweep(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    const mark = name.slice(PREFIX.length);
    // Another user's process may not be seen from here, and its files are not ours to remove.
    if (!(await isOurs(path))) continue;
    if (await isMarkOfDead(mark, path, { now, maxQuietMs: MAX_AGE_MS })) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function isOurs(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).uid === process.geteuid?.();
  } catch (error) {
    // Removed by its owner.
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
