import { isUtf8 } from "node:buffer";
import type { ImageInode, ImageXattr } from "../pull/index.ts";
import { jsonText } from "./json-text.ts";

const TYPE_LETTERS: Readonly<Record<ImageInode["kind"], string>> = {
  directory: "d",
  file: "-",
  symlink: "l",
  block: "b",
  character: "c",
  fifo: "p",
  socket: "s",
};

/** Set-id and sticky bits, and where in a mode of ten letters each of them shows. */
const SPECIAL_BITS = [
  { bit: 0o4000, at: 3, letter: "s" },
  { bit: 0o2000, at: 6, letter: "s" },
  { bit: 0o1000, at: 9, letter: "t" },
] as const;

/** Type and permissions as `ls -l` writes them: `drwxr-xr-x`. */
export function modeText({ kind, mode }: ImageInode): string {
  const letters = [TYPE_LETTERS[kind]];
  for (let bit = 8; bit >= 0; bit -= 1) {
    letters.push((mode >> bit) & 1 ? ("rwx"[(8 - bit) % 3] ?? "") : "-");
  }
  for (const { bit, at, letter } of SPECIAL_BITS) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === "x" ? letter : letter.toUpperCase();
  }
  return letters.join("");
}

/** The columns of `ls -l` before the name: mode, links, owner, group, size or device, time in UTC. */
export function longColumns(inode: ImageInode): string {
  const size =
    inode.kind === "file"
      ? `${inode.size}`
      : "major" in inode
        ? `${inode.major},${inode.minor}`
        : "-";
  return [
    modeText(inode),
    `${inode.links}`.padStart(3),
    `${inode.uid}`.padStart(5),
    `${inode.gid}`.padStart(5),
    size.padStart(10),
    timeText(inode.mtime),
  ].join(" ");
}

/** One file as an object of `ls --json`, on one line. */
export function fileJson(
  path: Uint8Array,
  inode: ImageInode,
  xattrs: readonly ImageXattr[],
): string {
  const facts = {
    ...textOrBytes("path", path),
    type: inode.kind,
    mode: inode.mode.toString(8).padStart(4, "0"),
    uid: inode.uid,
    gid: inode.gid,
    mtime: timeText(inode.mtime),
    inode: inode.number,
    links: inode.links,
    ...(inode.kind === "file" ? { size: inode.size } : {}),
    ...(inode.kind === "symlink" ? textOrBytes("target", inode.target) : {}),
    ...("major" in inode ? { device: { major: inode.major, minor: inode.minor } } : {}),
    ...(xattrs.length === 0 ? {} : { xattrs: xattrsJson(xattrs) }),
  };
  return jsonText(facts);
}

/** Bytes that are no UTF-8 have no exact text, so they stand beside it. */
function textOrBytes(name: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes);
  const text = { [name]: buffer.toString() };
  return isUtf8(bytes) ? text : { ...text, [`${name}Base64`]: buffer.toString("base64") };
}

/** Values may be any bytes: base64. */
function xattrsJson(xattrs: readonly ImageXattr[]): Record<string, string> {
  return Object.fromEntries(
    xattrs.map(({ name, value }) => [
      Buffer.from(name).toString(),
      Buffer.from(value).toString("base64"),
    ]),
  );
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
