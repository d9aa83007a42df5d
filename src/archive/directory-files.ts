import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { ImageError } from "../image/index.ts";
import type { ArchiveFile, ArchiveFiles } from "./archive-files.ts";
import { openOrSay, openRegular } from "./open-regular.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK;

/**
 * The files below the directory `path`, which itself may be reached through links; below it none is
 * followed, so that a layout cannot name files of this host. The directory that was opened is the one
 * that is read, whatever takes its name meanwhile.
 *
 * @param what - the directory, for messages
 * @throws ImageError `NOT_FOUND` where there is none; ArchiveError `ARCHIVE_UNREADABLE`
 */
export async function openDirectoryFiles(path: string, what: string): Promise<ArchiveFiles> {
  const directory = await openOrSay(path, DIRECTORY, what);
  if (directory === undefined) throw new ImageError("NOT_FOUND", `${what}: no such directory`);
  return {
    open: (name) => openBelow(directory, name.split("/"), `${name} of ${what}`),
    [Symbol.asyncDispose]: () => directory.close(),
  };
}

async function openBelow(
  directory: FileHandle,
  [first = "", ...rest]: readonly string[],
  what: string,
): Promise<ArchiveFile | undefined> {
  // What openat(2) would do: only the last name of a path can be kept from being a link.
  const path = `/proc/self/fd/${directory.fd}/${first}`;
  if (rest.length === 0) return await openRegular(path, { followsLink: false, what });
  await using next = await openOrSay(path, DIRECTORY | constants.O_NOFOLLOW, what);
  return next && (await openBelow(next, rest, what));
}
