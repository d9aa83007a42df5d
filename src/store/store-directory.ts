import { assertNever, isErrno, makeDirectories } from "../base/index.ts";
import { access, chmod, chown, constants, mkdir, realpath, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { storeFailure, StoreError } from "./store-error.ts";

/** Paths of one store. Stored SIF files are `images/<id>.sif`. */
export interface StorePaths {
  readonly root: string;
  readonly database: string;
  readonly images: string;
  readonly tmp: string;
  readonly locks: string;
}

export function storePaths(root: string): StorePaths {
  return {
    root,
    database: join(root, "siflet.db"),
    images: join(root, "images"),
    tmp: join(root, "tmp"),
    locks: join(root, "locks"),
  };
}

/** Name of the SIF file of image `id`, within `images/`. */
export function imageFile(id: string): string {
  return `${id}.sif`;
}

/** Who may read a store: nobody else, a group, or everyone on the machine. */
export type Readers =
  | { readonly kind: "owner" }
  | { readonly kind: "group"; readonly gid: number }
  | { readonly kind: "everyone" };

const NOBODY_ELSE: Readers = { kind: "owner" };

/** The bits of a directory's mode that let the readers in. */
function readBits({ kind }: Readers): number {
  switch (kind) {
    case "owner":
      return 0;
    case "group":
      return 0o050;
    case "everyone":
      return 0o055;
    default:
      return assertNever(kind);
  }
}

/**
 * Makes what is missing of the store's directories, 0700 whatever the umask, or so that the readers
 * get at images; what is there keeps the mode that its operator gave it.
 *
 * @throws StoreError `STORE_UNAVAILABLE`, `STORE_READ_ONLY` (there, and not ours to write) or
 *   `NO_SPACE`
 */
export async function makeStoreDirectory(
  paths: StorePaths,
  readers: Readers = NOBODY_ELSE,
): Promise<void> {
  try {
    await makeParents(paths.root, readers);
    // Of one for its owner alone parents that are missing are made the same way: XDG asks for 0700 too.
    const made = await makeDirectories(paths.root, 0o700);
    if (made !== undefined || readers.kind !== "owner") {
      await admit(paths.root, readers);
    }
    await requireWritable(paths.root);
    await makeDirectory(paths.images, readers);
    for (const path of [paths.tmp, paths.locks]) await makeDirectory(path, NOBODY_ELSE);
  } catch (error) {
    throw storeFailure(error, `store ${paths.root}`);
  }
}

/** Makes what is missing above a store that others read, so that they get there whatever the umask. */
async function makeParents(root: string, readers: Readers): Promise<void> {
  if (readers.kind === "owner") return;
  const parent = dirname(root);
  const first = await makeDirectories(parent, 0o755);
  if (first === undefined) return;
  for (let path = parent; path.length >= first.length; path = dirname(path)) {
    if (readers.kind === "group") await chown(path, -1, readers.gid);
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o7777) | passBits(readers));
  }
}

/** The bits of a directory's mode that let the readers pass. */
function passBits(readers: Readers): number {
  return readBits(readers) & 0o011;
}

/** A directory above a store that keeps readers of the store out. */
export interface Barrier {
  readonly path: string;
  /** Its permissions: `0700`. */
  readonly mode: string;
}

/**
 * The directories on the way to the store at `root` that those who may read it cannot pass, as far as
 * their modes tell.
 *
 * @throws StoreError `STORE_UNAVAILABLE`
 */
export async function findBarriers(root: string, readers: Readers): Promise<readonly Barrier[]> {
  if (readers.kind === "owner") return [];
  const barriers: Barrier[] = [];
  try {
    // A link on the way is passed by what it leads to, and what leads there.
    const ways = await Promise.all([root, ...parentsOf(root)].map((path) => realpath(path)));
    const real = await realpath(root);
    for (const path of new Set(ways.flatMap((way) => [...parentsOf(way), way]))) {
      if (path === real) continue;
      const { mode, gid } = await stat(path);
      const needed = readers.kind === "group" ? (gid === readers.gid ? 0o010 : 0o001) : 0o011;
      if ((mode & needed) === needed) continue;
      barriers.push({ path, mode: (mode & 0o7777).toString(8).padStart(4, "0") });
    }
  } catch (error) {
    throw storeFailure(error, `store ${root}`);
  }
  return barriers;
}

/** From the root down. */
function parentsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...parentsOf(parent), parent];
}

async function makeDirectory(path: string, readers: Readers): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    return;
  }
  await admit(path, readers);
}

async function admit(directory: string, readers: Readers): Promise<void> {
  if (readers.kind === "group") await chown(directory, -1, readers.gid);
  await chmod(directory, 0o700 | readBits(readers));
}

async function requireWritable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!isErrno(error, "EACCES", "EROFS", "EPERM")) throw error;
    throw new StoreError(
      "STORE_READ_ONLY",
      `store ${path}: expected a directory that can be written, got ${String(error)}`,
      { cause: error },
    );
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/**
 * File systems of this machine alone that are known to carry shared memory maps (WAL), unix
 * sockets and hard links, by the magic numbers of statfs(2). Everything else counts as shared
 * with other machines: a wrong guess there costs speed, a wrong guess here costs the database.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
]);

/** Whether `path` lies on a file system known to be local. */
export async function isLocal(path: string): Promise<boolean> {
  // f_type is a signed word on some architectures: btrfs comes out negative there.
  return LOCAL_FILE_SYSTEMS.has((await statfs(path)).type >>> 0);
}
