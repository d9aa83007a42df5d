import { lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isErrno } from "../base/index.ts";
import { BundleError } from "./bundle-error.ts";
import { MARKER_NAME, readMarker, type Marker } from "./marker.ts";
import { PLACES } from "./overlay.ts";

/** For nobody but who makes it: what is mounted in there, set-id programs too, is for its containers. */
const MODE = 0o700;

const OWN_NAMES: readonly string[] = [
  MARKER_NAME,
  PLACES.config,
  PLACES.root,
  PLACES.image,
  PLACES.overlay,
];

/**
 * The path of a bundle without links but for its last name, which may be one or nothing at all.
 *
 * @throws BundleError `BUNDLE_DIRECTORY` where there is no directory to have it in
 */
export async function bundlePath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return join(await realpath(dirname(absolute)), basename(absolute));
  } catch (error) {
    throw directoryError(absolute, error);
  }
}

/**
 * Makes the directory of a new bundle.
 *
 * @returns its inode number
 * @throws BundleError `BUNDLE_EXISTS`, `BUNDLE_DIRECTORY`
 */
export async function makeBundleDirectory(directory: string): Promise<string> {
  try {
    await mkdir(directory, { mode: MODE });
    return await inodeOf(directory);
  } catch (error) {
    if (isErrno(error, "EEXIST")) {
      const message = `${directory} exists already: name a directory that is not there yet`;
      throw new BundleError("BUNDLE_EXISTS", message, { cause: error });
    }
    throw directoryError(directory, error);
  }
}

/** What is known of a bundle that is there. */
export interface FoundBundle {
  readonly marker: Marker;
  /** Of the directory that was looked at. */
  readonly inode: string;
  /** Whether somebody copied a bundle here, whose image another one borrows. */
  readonly isCopy: boolean;
}

/**
 * Looks at what is at `directory`, and whether all of it is ours.
 *
 * @param uid - whose it must be
 * @returns undefined where nothing is there
 * @throws BundleError `BUNDLE_NOT_OURS`
 */
export async function findBundle(directory: string, uid: number): Promise<FoundBundle | undefined> {
  try {
    const found = await lstat(directory, { bigint: true });
    if (!found.isDirectory()) throw notOurs(directory, "is no directory");
    if (found.uid !== BigInt(uid)) throw notOurs(directory, `belongs to user ${found.uid}`);
    const marker = await readMarker(join(directory, MARKER_NAME), uid);
    const foreign = (await readdir(directory)).filter((name) => !OWN_NAMES.includes(name));
    if (foreign.length > 0) {
      const names = foreign.slice(0, 5).map((name) => JSON.stringify(name));
      throw notOurs(directory, `holds what is not ours, move it away: ${names.join(", ")}`);
    }
    const isElsewhere = marker.directory !== directory;
    const inode = found.ino.toString();
    return { marker, inode, isCopy: isElsewhere && marker.inode !== inode };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

async function inodeOf(directory: string): Promise<string> {
  const { ino } = await lstat(directory, { bigint: true });
  return ino.toString();
}

function notOurs(directory: string, why: string): BundleError {
  return new BundleError("BUNDLE_NOT_OURS", `${directory} ${why}; nothing was deleted`);
}

/** What a system error about the directory of a bundle means. */
export function directoryError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new BundleError("BUNDLE_DIRECTORY", `cannot make the bundle ${path}: ${error.message}`, {
    cause: error,
  });
}
