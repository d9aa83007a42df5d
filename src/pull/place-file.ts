import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { copyContents } from "../base/index.ts";
import { outputError } from "./pull-error.ts";

/** Result files are programs (`./image.sif` runs), less what the umask takes away. */
const OUTPUT_MODE = 0o777;

/**
 * Copies the file at `from` to `to`: a reflink where the file system has them, never a hard link,
 * for other tools sign files in place. The file appears whole or not at all.
 *
 * @param options.force - replaces a file that is there already
 * @throws PullError `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function copyToOutput(
  from: string,
  to: string,
  options: { readonly force: boolean },
  signal: AbortSignal,
): Promise<void> {
  const temporary = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString("hex")}`);
  try {
    await copyWhole(from, temporary, signal);
    await placeFile(temporary, to, options);
  } catch (error) {
    throw outputError(to, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Gives the finished file `from` the name `to` in the same file system, durably.
 *
 * @throws PullError `OUTPUT_EXISTS` when the name is taken and `force` is not set
 */
export async function placeFile(
  from: string,
  to: string,
  options: { readonly force: boolean },
): Promise<void> {
  try {
    if (options.force) {
      await rename(from, to);
    } else {
      // Unlike rename, link never replaces what is there.
      await link(from, to);
      await rm(from);
    }
    await using directory = await open(dirname(to), "r");
    await directory.sync();
  } catch (error) {
    throw outputError(to, error);
  }
}

/**
 * Makes a file of output mode and brings its bytes to stable storage.
 *
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function finishOutput(path: string): Promise<void> {
  try {
    await using file = await open(path, "r+");
    await file.chmod(await outputMode(dirname(path)));
    await file.sync();
  } catch (error) {
    throw outputError(path, error);
  }
}

async function copyWhole(from: string, to: string, signal: AbortSignal): Promise<void> {
  const mode = await createEmpty(to);
  await copyContents(from, to, OUTPUT_MODE, signal);
  await using file = await open(to, "r+");
  await file.chmod(mode);
  await file.sync();
}

/** Creates `path` as a new file; answers the mode that the umask left it. */
async function createEmpty(path: string): Promise<number> {
  await using file = await open(path, "wx", OUTPUT_MODE);
  const { mode } = await file.stat();
  return mode & 0o777;
}

/** The mode that a new output file in `directory` gets. */
async function outputMode(directory: string): Promise<number> {
  const probe = join(directory, `.siflet-${randomBytes(6).toString("hex")}`);
  try {
    return await createEmpty(probe);
  } finally {
    await rm(probe, { force: true });
  }
}
