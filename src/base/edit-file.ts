import { randomBytes } from "node:crypto";
import { lstat, open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isErrno } from "./errno.ts";
import { makeDirectories } from "./make-directories.ts";
import { takeTurn } from "./take-turn.ts";

/** For nobody but its owner. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** How long others that write the same file are waited for; each takes some milliseconds. */
const MAX_WAIT_MS = 30_000;

/** What a file was when it was looked at: another one, or a changed one, has another. */
type FileState = string | undefined;

/**
 * Puts what `edit` makes of the file at `path` in its place, for its owner alone to read; directories that
 * are not there are made for him alone, too. Whenever it is stopped, the file is the old one or the new
 * one. A link is followed, and stays. System errors come as they are.
 *
 * Processes of siflet that edit one file do so one after the other. Other programs know nothing of
 * that: where the file has changed since it was read, it is read and edited anew.
 *
 * @param edit - reads the file at the path that it is given, and answers what is to stand there, or
 *   undefined where the file is to stay as it is; it may be called several times
 * @returns whether the file was written
 * @throws whatever `edit` throws; the signal's reason when aborted
 */
export async function editFile(
  path: string,
  edit: (target: string) => Promise<string | Uint8Array | undefined>,
  signal: AbortSignal,
): Promise<boolean> {
  const target = await targetOf(path);
  await using _turn = await takeTurn(target, MAX_WAIT_MS, signal);
  while (true) {
    signal.throwIfAborted();
    const state = await stateOf(target);
    const content = await edit(target);
    if (content === undefined) return false;
    if (await replaceFile(target, content, state)) return true;
  }
}

/** @returns whether the file was still in `state`, and so was replaced */
async function replaceFile(
  path: string,
  content: string | Uint8Array,
  state: FileState,
): Promise<boolean> {
  const directory = dirname(path);
  await makeDirectories(directory, DIRECTORY_MODE);
  const temporary = join(directory, `.siflet-${randomBytes(8).toString("hex")}`);
  try {
    // A scope of its own, so that it is closed before it is renamed.
    {
      await using file = await open(temporary, "wx", FILE_MODE);
      await keepOwner(path, file);
      await file.writeFile(content);
      await file.sync();
    }
    if ((await stateOf(path)) !== state) {
      await rm(temporary, { force: true });
      return false;
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await using handle = await open(directory);
  await handle.sync();
  return true;
}

/** @returns undefined where there is no file */
async function stateOf(path: string): Promise<FileState> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** The file that is written: what `path` leads to, or would. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
  }
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return path;
    throw error;
  }
}

/** Root may write for a user, whose file it stays. */
async function keepOwner(path: string, replacement: FileHandle): Promise<void> {
  try {
    const { uid, gid } = await stat(path);
    if (uid !== (await replacement.stat()).uid) await replacement.chown(uid, gid);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
