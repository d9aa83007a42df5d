import { limitError } from "../base/index.ts";
import type { ImageTables } from "./image-tables.ts";
import type { DirectoryInode, SquashfsInode } from "./inode.ts";
import { findEntry, inodeOf, quoteName } from "./read-directory.ts";
import { readInode } from "./read-inode.ts";
import { SquashfsError } from "./squashfs-error.ts";

/** An inode, and a name that leads to it. */
export interface SquashfsFile {
  /** Components joined by `/`, none of them a link; empty for where the path begins. */
  readonly path: Uint8Array;
  readonly inode: SquashfsInode;
}

/** A path inside an image, from its root; text stands for its UTF-8. */
export type SquashfsPath = string | Uint8Array;

/** Links that Linux follows for one path. */
const MOST_LINKS = 40;
const SLASH = 0x2f;
const DOT = Buffer.from(".");
const DOT_DOT = Buffer.from("..");

/** How far a path was followed. */
interface Walk {
  readonly image: ImageTables;
  /** The whole path, for messages. */
  readonly asked: Uint8Array;
  /** From the root to where we are: every item but the last is a directory. */
  readonly trail: { readonly name: Uint8Array; readonly inode: SquashfsInode }[];
  readonly root: DirectoryInode;
  /** Components that are yet to be followed, the next one last. */
  readonly ahead: Uint8Array[];
  links: number;
}

/**
 * Follows `path` inside the image: `..` and links never lead above its root.
 *
 * @param follow - whether a symbolic link at the very end is followed
 * @throws SquashfsError `PATH_NOT_FOUND`, `PATH_WRONG_TYPE` (something on the way is no directory),
 *   `PATH_LINK_LOOP`, and what reading directories and inodes throws
 * @throws LimitError `LIMIT_PATH_BYTES`
 */
export async function resolvePath(
  image: ImageTables,
  path: SquashfsPath,
  follow: boolean,
  signal: AbortSignal,
): Promise<SquashfsFile> {
  const asked = typeof path === "string" ? Buffer.from(path) : path;
  if (asked.length > image.limits.pathBytes) {
    throw limitError(image.limits, "pathBytes", "path", asked.length);
  }
  const root = await readRoot(image);
  const walk: Walk = { image, asked, trail: [], root, ahead: componentsOf(asked), links: 0 };
  for (let name = walk.ahead.pop(); name !== undefined; name = walk.ahead.pop()) {
    signal.throwIfAborted();
    await step(walk, name, follow, signal);
  }
  const names = walk.trail.map((item) => item.name);
  return { path: joinNames(names), inode: walk.trail.at(-1)?.inode ?? root };
}

/**
 * The root directory.
 *
 * @throws SquashfsError `SQUASHFS_INODE` where the root is something else
 */
export async function readRoot(image: ImageTables): Promise<DirectoryInode> {
  const inode = await readInode(image, image.root);
  if (inode.kind === "directory") return inode;
  throw new SquashfsError(
    "SQUASHFS_INODE",
    `squashfs root: expected a directory, got a ${inode.kind}`,
  );
}

async function step(
  walk: Walk,
  name: Uint8Array,
  follow: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { image, trail, ahead } = walk;
  const here = trail.at(-1)?.inode ?? walk.root;
  if (here.kind !== "directory") {
    const where = quoteName(joinNames(trail.map((item) => item.name)));
    const message = `expected ${where} to be a directory, got a ${here.kind}`;
    throw new SquashfsError("PATH_WRONG_TYPE", `${quoteName(walk.asked)}: ${message}`);
  }
  if (DOT.equals(name)) return;
  if (DOT_DOT.equals(name)) {
    trail.pop();
    return;
  }
  const entry = await findEntry(image, here, name, signal);
  if (entry === undefined) {
    const message = "no such file in the image";
    throw new SquashfsError("PATH_NOT_FOUND", `${quoteName(walk.asked)}: ${message}`);
  }
  const inode = await inodeOf(image, entry);
  if (inode.kind === "symlink" && (follow || ahead.length > 0)) followLink(walk, inode.target);
  else trail.push({ name, inode });
}

function followLink(walk: Walk, target: Uint8Array): void {
  walk.links += 1;
  if (walk.links > MOST_LINKS) {
    const message = `expected at most ${MOST_LINKS} symbolic links, got more`;
    throw new SquashfsError("PATH_LINK_LOOP", `${quoteName(walk.asked)}: ${message}`);
  }
  if (target[0] === SLASH) walk.trail.length = 0;
  walk.ahead.push(...componentsOf(target));
}

/** A path as messages show it. */
export function quotePath(path: SquashfsPath): string {
  return quoteName(typeof path === "string" ? Buffer.from(path) : path);
}

/** The components of a path, the first one last. A slash at the end asks for a directory. */
function componentsOf(path: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at <= path.length; at += 1) {
    if (at < path.length && path[at] !== SLASH) continue;
    if (at > start) components.push(path.subarray(start, at));
    start = at + 1;
  }
  if (path.at(-1) === SLASH) components.push(DOT);
  return components.reverse();
}

function joinNames(names: readonly Uint8Array[]): Uint8Array {
  const slash = Buffer.of(SLASH);
  return Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [slash, name])));
}
