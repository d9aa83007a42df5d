import { constants } from "node:fs";
import { open, rmdir, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { isErrno } from "../base/index.ts";
import { BundleError } from "./bundle-error.ts";
import type { Machine } from "./machine.ts";
import { MARKER_NAME } from "./marker.ts";
import { unmountBundle } from "./mounting.ts";
import { PLACES } from "./overlay.ts";
import { removeTree } from "./remove-tree.ts";
import type { Rights } from "./rights.ts";

/** A directory, and the number by which it is known whatever has its name by now. */
export interface KnownDirectory {
  /** Absolute, without links. */
  readonly directory: string;
  readonly inode: string;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Takes a bundle apart, whatever of it there is: unmounts, removes its files, has its image given back,
 * and removes the directory. Where it fails the marker is still there, and it can be called again.
 *
 * Of what was mounted nothing is ever deleted: the directories for that are removed as the empty ones
 * that they are, and the rest by their names in the open directory, so that nobody who can rename it has
 * something else deleted in its place.
 *
 * @param bundle - ours
 * @param giveBack - ends the borrow of the image
 * @throws BundleError `BUNDLE_BUSY`, `BUNDLE_MOUNT`, and `BUNDLE_NOT_OURS` where another directory is
 *   there by now; what `giveBack` throws
 */
export async function dismantle(
  { directory, inode }: KnownDirectory,
  machine: Machine,
  rights: Rights,
  giveBack: () => Promise<void>,
): Promise<void> {
  await using handle = await open(directory, DIRECTORY);
  const { ino } = await handle.stat({ bigint: true });
  if (ino.toString() !== inode) {
    const message = `${directory} is another directory by now; nothing was deleted`;
    throw new BundleError("BUNDLE_NOT_OURS", message);
  }
  await unmountBundle(directory, machine, rights);
  const here = `/proc/self/fd/${handle.fd}`;
  await removeEmpty(join(here, PLACES.root), directory);
  await removeEmpty(join(here, PLACES.image), directory);
  await removeTree(join(here, PLACES.overlay));
  await removeFile(join(here, PLACES.config));
  await giveBack();
  await removeFile(join(here, MARKER_NAME));
  await removeEmpty(directory, directory);
}

async function removeEmpty(path: string, bundle: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    if (!isErrno(error, "EBUSY", "ENOTEMPTY", "EEXIST")) throw error;
    const name = path === bundle ? "it" : basename(path);
    const message = `${bundle}: expected ${name} to be an empty directory, got one in use`;
    throw new BundleError("BUNDLE_BUSY", message, { cause: error });
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
