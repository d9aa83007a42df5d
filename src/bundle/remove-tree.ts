import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, open, readdir, rename, rmdir, unlink, type FileHandle } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import { BundleError } from "./bundle-error.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Opens what may not be read, as a place alone; no link is followed. Linux, every architecture. */
const PLACE = 0o10000000 | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Whoever still makes files there after so many times is not going to stop. */
const MAX_ROUNDS = 10;

/**
 * Removes the directory at `path` and all that is in it; fine where it is not there.
 *
 * A container that still runs can change what it once wrote while it is removed, so no name below is
 * ever looked up twice from above: every directory is opened by its one name in an open directory,
 * links are never followed, and what is deeper is moved up first, which no mount point can be. No depth
 * is too deep for it.
 *
 * @param path - in a directory that nobody else may change
 * @throws BundleError `BUNDLE_BUSY` where something is mounted in there, or somebody goes on writing;
 *   system errors as they are
 */
export async function removeTree(path: string): Promise<void> {
  let top: FileHandle;
  try {
    top = await openToEmpty(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  await using opened = top;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await emptyDirectory(opened);
    try {
      await rmdir(path);
      return;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return;
      if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw busy(path, error);
    }
  }
  throw new BundleError("BUNDLE_BUSY", `${path}: somebody writes there while it is removed`);
}

async function emptyDirectory(top: FileHandle): Promise<void> {
  const waiting = await namesIn(top);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (await unlinked(top, name)) continue;
    const own = freshName();
    if (!(await moved(within(top, name), within(top, own)))) continue;
    for await (const moved of emptiedInto(top, own)) waiting.push(moved);
    await rmdir(within(top, own));
  }
}

/** Empties the directory `name` of `top`; the directories in it come to lie in `top`, as they are named. */
async function* emptiedInto(top: FileHandle, name: Buffer): AsyncIterable<Buffer> {
  await using directory = await openToEmpty(within(top, name));
  for (const child of await namesIn(directory)) {
    if (await unlinked(directory, child)) continue;
    const own = freshName();
    await permit(within(directory, child));
    if (await moved(within(directory, child), within(top, own))) yield own;
  }
}

async function openToEmpty(path: Buffer | string): Promise<FileHandle> {
  await permit(path);
  return await open(path, DIRECTORY);
}

/** Lets us empty and move a directory whose mode does not: what was made in there has any mode. */
async function permit(path: Buffer | string): Promise<void> {
  await using place = await open(path, PLACE);
  const { mode } = await place.stat();
  // A name that leads to what is open and to nothing else.
  if ((mode & 0o700) !== 0o700) await chmod(`/proc/self/fd/${place.fd}`, 0o700);
}

/** @returns false for a directory */
async function unlinked(directory: FileHandle, name: Buffer): Promise<boolean> {
  try {
    await unlink(within(directory, name));
  } catch (error) {
    if (isErrno(error, "EISDIR")) return false;
    if (isErrno(error, "EBUSY")) throw busy(name.toString(), error);
    if (!isErrno(error, "ENOENT")) throw error;
  }
  return true;
}

/** @returns false where it is gone */
async function moved(from: Buffer, to: Buffer): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw isErrno(error, "EBUSY") ? busy(from.toString(), error) : error;
  }
}

function busy(path: string, cause: unknown): BundleError {
  const message = `${path}: cannot be removed, something is mounted there`;
  return new BundleError("BUNDLE_BUSY", message, { cause });
}

async function namesIn(directory: FileHandle): Promise<Buffer[]> {
  return await readdir(`/proc/self/fd/${directory.fd}`, { encoding: "buffer" });
}

/** A path that begins at an open directory, wherever that is by now. */
function within(directory: FileHandle, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory.fd}/`), name]);
}

function freshName(): Buffer {
  return Buffer.from(`.siflet-${randomBytes(12).toString("hex")}`);
}
