import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copyHashed } from "../base/index.ts";
import { ContentError } from "../image/index.ts";
import { outputError } from "./pull-error.ts";
import { makeScratchDirectory } from "./scratch-directory.ts";

/** Result files are programs (`./image.sif` runs), less what the umask takes away. */
const OUTPUT_MODE = 0o777;

/** How a result file is put where it shall be. */
export interface OutputOptions {
  /** Replaces a file that is there already. */
  readonly force: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Copies the image at `from` to `to`: a reflink where the file system has them, never a hard link,
 * for other tools sign files in place. The file appears whole or not at all, and only as what it is to be.
 *
 * @param id - SHA-256 of the image: 64 lower-case hex digits
 * @throws PullError `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`; ContentError `CONTENT_DIGEST_MISMATCH`
 */
export async function copyToOutput(
  from: string,
  to: string,
  id: string,
  options: OutputOptions,
  signal: AbortSignal,
): Promise<void> {
  await writeOutput(to, options, async (path) => {
    const got = await copyHashed(from, path, OUTPUT_MODE, signal);
    if (got === id) return;
    throw new ContentError("CONTENT_DIGEST_MISMATCH", `${from}: expected sha256 ${id}, got ${got}`);
  });
}

/**
 * Has `write` make the file that is then put at `to`, durably. What a killed process leaves there is removed by
 * the next one.
 *
 * @throws PullError `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function writeOutput<Result>(
  to: string,
  { force, now }: OutputOptions,
  write: (path: string) => Promise<Result>,
): Promise<Result> {
  await using scratch = await makeScratchDirectory(dirname(to), now);
  const path = join(scratch.path, "output");
  try {
    const result = await write(path);
    await finishOutput(path);
    await placeFile(path, to, { force });
    return result;
  } catch (error) {
    throw outputError(to, error);
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
