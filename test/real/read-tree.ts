import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream, type BigIntStats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";

import { runForBytes } from "./run.ts";

export type FileType =
  "file" | "directory" | "symlink" | "fifo" | "char" | "block" | "socket" | "unknown";

/** All that an image says about one path. */
export interface FileFacts {
  readonly type: FileType;
  /** Permissions with the set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Extended attributes: name to value in hexadecimal. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** Number of names; of all but directories. */
  readonly nlink?: number;
  /** The first path, in order, that is the same inode; where there is more than one. */
  readonly firstName?: string;
  /** Bytes; of regular files. */
  readonly size?: number;
  /** Hash of the content, `unreadable` where this user may not read it; of regular files. */
  readonly sha256?: string;
  /** Of symbolic links. */
  readonly target?: string;
  /** `MAJOR:MINOR`, of devices. */
  readonly device?: string;
}

/** Path relative to the tree's root (`.` itself) to facts, in the order of the paths. */
export type Tree = ReadonlyMap<string, FileFacts>;

/**
 * Reads every path below `directory`, with every byte of every file. Names that are not UTF-8 stand
 * as `\xHH` for each byte that is not ASCII.
 */
export async function readTree(directory: string): Promise<Tree> {
  const xattrs = await readXattrs(directory);
  const found = await walk(Buffer.from(directory), ".");
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  const firstNames = new Map<bigint, string>();
  const tree = new Map<string, FileFacts>();
  for (const [path, full] of found) {
    const stats = await lstat(full, { bigint: true });
    if (!firstNames.has(stats.ino)) firstNames.set(stats.ino, path);
    tree.set(path, {
      type: typeOf(stats),
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtime: Number((stats.mtimeNs - modulo(stats.mtimeNs, 1_000_000_000n)) / 1_000_000_000n),
      xattrs: xattrs.get(full.toString("latin1")) ?? {},
      ...(stats.isDirectory() ? {} : { nlink: Number(stats.nlink) }),
      ...(stats.isDirectory() || stats.nlink === 1n
        ? {}
        : { firstName: firstNames.get(stats.ino) ?? path }),
      ...(stats.isFile() ? { size: Number(stats.size), sha256: await hashOf(full) } : {}),
      ...(stats.isSymbolicLink() ? { target: nameText(await readlink(full, "buffer")) } : {}),
      ...(stats.isCharacterDevice() || stats.isBlockDevice()
        ? { device: deviceText(stats.rdev) }
        : {}),
    });
  }
  return tree;
}

async function walk(full: Buffer, path: string): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = [[path, full]];
  for (const entry of await readdir(full, { withFileTypes: true, encoding: "buffer" })) {
    const below = Buffer.concat([full, Buffer.from("/"), entry.name]);
    const name = path === "." ? nameText(entry.name) : `${path}/${nameText(entry.name)}`;
    if (entry.isDirectory()) found.push(...(await walk(below, name)));
    else found.push([name, below]);
  }
  return found;
}

/** A name as the keys of a tree have it. */
export function nameText(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  return name
    .toString("latin1")
    .replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function typeOf(stats: BigIntStats): FileType {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isCharacterDevice()) return "char";
  if (stats.isBlockDevice()) return "block";
  return stats.isSocket() ? "socket" : "unknown";
}

async function hashOf(file: Buffer): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EACCES") return "unreadable";
    throw error;
  }
  return hash.digest("hex");
}

/** The remainder that is never negative, so that times before 1970 round down as well. */
function modulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}

/** Linux's 64-bit device number: 12 and 20 bits low, the rest of each above them. */
function deviceText(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** What the kernel says of each path of an image in which nothing has an attribute. */
const HAS_NONE = /^getfattr: .*: Operation not supported$/;

/** All extended attributes below `directory`, by full path with one character per byte. */
async function readXattrs(directory: string): Promise<Map<string, Record<string, string>>> {
  const options = ["--recursive", "--physical", "--no-dereference", "--absolute-names"];
  const output = await runForBytes(
    "getfattr",
    [...options, ...["--dump", "--match=-", "--encoding=hex", "--", directory]],
    { isFine: (line) => HAS_NONE.test(line) },
  );
  const found = new Map<string, Record<string, string>>();
  for (const part of output.toString("latin1").split("\n\n")) {
    const [heading, ...lines] = part.split("\n").filter((line) => line !== "");
    if (heading === undefined) continue;
    const path = unescape(heading.slice("# file: ".length));
    const pairs = lines
      .map((line): [string, string] => {
        const equals = line.indexOf("=0x");
        return [unescape(line.slice(0, equals)), line.slice(equals + 3)];
      })
      // The label of this machine's own policy, not of the image.
      .filter(([name]) => name !== "security.selinux");
    found.set(path, Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1))));
  }
  return found;
}

/** getfattr writes newlines, backslashes and the like as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
