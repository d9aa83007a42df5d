import type { TarItem } from "../fixtures/tar/index.ts";

/** Strings of names hold one character for each byte. */
export type Latin1 = string;

export type StackKind = "file" | "directory" | "symlink" | "hardlink" | "fifo" | "character";

/** One entry of a layer as a test writes it down; a name may be spelled in any way. */
export interface StackEntry {
  readonly kind: StackKind;
  readonly path: Latin1;
  /** Of links. */
  readonly target: Latin1;
  /** Of files. */
  readonly content: string;
  /** Minor number of a device; its major one is 1. */
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** The layers of an image, lowest first. */
export type Stack = readonly (readonly StackEntry[])[];

const TYPES: Readonly<Record<StackKind, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  directory: "5",
  fifo: "6",
};

/** The entry as an archive has it. */
export function tarItem(entry: StackEntry): TarItem {
  const { kind, mode, uid, gid, mtime } = entry;
  const pax = Object.entries(entry.xattrs).map(([name, value]): [string, string] => [
    `SCHILY.xattr.${name}`,
    value,
  ]);
  const device = kind === "character" ? { devMajor: 1, devMinor: entry.minor } : {};
  return {
    ...{ path: bytes(entry.path), type: TYPES[kind], mode, uid, gid, mtime, pax, ...device },
    ...(kind === "file" ? { data: entry.content } : {}),
    ...(entry.target === "" ? {} : { linkname: bytes(entry.target) }),
  };
}

/** One line for each entry, for messages. */
export function showStack(stack: Stack): string {
  return stack
    .map((layer, i) => [`layer ${i + 1}`, ...layer.map(showEntry)].join("\n  "))
    .join("\n");
}

function showEntry({ kind, path, target, content, mode, xattrs, ...rest }: StackEntry): string {
  const arrow = kind === "hardlink" ? " @ " : kind === "symlink" ? " > " : "";
  const facts = `0${mode.toString(8)} ${rest.uid}:${rest.gid} ${rest.mtime}`;
  const value =
    kind === "file" ? ` = ${content}` : arrow === "" ? "" : arrow + JSON.stringify(target);
  return `${kind} ${JSON.stringify(path)}${value} (${facts} ${JSON.stringify(xattrs)})`;
}

function bytes(text: Latin1): Uint8Array {
  return Buffer.from(text, "latin1");
}
