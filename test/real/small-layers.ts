import type { TarItem } from "../fixtures/tar/index.ts";
import { noiseBytes, textBytes } from "./generated-bytes.ts";

const KiB = 1024;
/** Data blocks of the two profiles. */
const BLOCKS = [128 * KiB, 256 * KiB];
const TIME = 1_700_000_000;

/** The entries of the small image's three layers, bottom first. */
export function smallLayers(): readonly (readonly TarItem[])[] {
  return [baseLayer(), secondLayer(), thirdLayer()];
}

function baseLayer(): TarItem[] {
  return [
    directory("./", { mode: 0o755, mtime: TIME }),
    ...["bin", "etc", "home", "srv", "usr", "usr/bin", "usr/lib", "usr/share", "var"].map((path) =>
      directory(path),
    ),
    directory("home/user", { mode: 0o700, uid: 1000, gid: 1000 }),
    directory("tmp", { mode: 0o1777 }),
    file("bin/tool", textBytes("tool", 9000), { mode: 0o755 }),
    file("etc/hosts", Buffer.from("192.0.2.1 own-host\n")),
    file("etc/resolv.conf", Buffer.from("nameserver 192.0.2.53\n")),
    symlink("lib", "usr/lib"),
    ...sizes(),
    ...owners(),
    ...names(),
    ...links(),
    ...attributes(),
    ...specials(),
    ...toBeChanged(),
    ...manyFiles("usr/share/many", 300),
  ];
}

/** Files around the borders of blocks, in every kind of content. */
function sizes(): TarItem[] {
  const entries: TarItem[] = [directory("srv/sizes"), file("srv/sizes/empty", Buffer.alloc(0))];
  const add = (name: string, content: Buffer): void => {
    entries.push(file(`srv/sizes/${name}`, content));
  };
  add("one-byte", Buffer.from("x"));
  for (const block of BLOCKS) {
    for (const change of [-1, 0, 1]) {
      add(`text-${block + change}`, textBytes(`text-${block}`, block + change));
    }
    add(`noise-${block}`, noiseBytes(`noise-${block}`, block));
  }
  const several = noiseBytes("several", 3 * 256 * KiB + 777);
  add("several-blocks", several);
  add("same-blocks-again", several);
  add("same-tail-again", Buffer.from("x"));
  add("zeros", Buffer.alloc(512 * KiB));
  add("zeros-and-a-byte", Buffer.concat([Buffer.alloc(256 * KiB), Buffer.from("!")]));
  const island = textBytes("island", 5000);
  const head = textBytes("head", 256 * KiB);
  add("hole-inside", Buffer.concat([head, Buffer.alloc(512 * KiB), island]));
  entries.push(
    sparse("srv/sizes/sparse", 5_000_000, [
      { offset: 0, data: head.subarray(0, 4096) },
      { offset: 1024 * KiB, data: island },
      { offset: 5_000_000, data: Buffer.alloc(0) },
    ]),
  );
  return entries;
}

function owners(): TarItem[] {
  const content = textBytes("owned", 300);
  return [
    directory("srv/owners", { uid: 12_345, gid: 54_321, mode: 0o2775 }),
    file("srv/owners/nobody", content, { uid: 65_534, gid: 65_534 }),
    file("srv/owners/largest", content, { uid: 4_294_967_294, gid: 4_294_967_293 }),
    file("srv/owners/past-octal", content, { pax: { uid: "2097152", gid: "3000000000" } }),
    file("srv/owners/no-rights", Buffer.alloc(0), { mode: 0 }),
    file("srv/owners/setuid", content, { mode: 0o4755 }),
    file("srv/owners/setgid", content, { mode: 0o2711 }),
    file("srv/owners/sticky", content, { mode: 0o1644 }),
    file("srv/owners/time-zero", content, { mtime: 0 }),
    file("srv/owners/time-2038", content, { mtime: 2 ** 31 + 7 }),
    file("srv/owners/time-fraction", content, { pax: { mtime: `${TIME}.75` } }),
  ];
}

function names(): TarItem[] {
  const content = Buffer.from("named\n");
  const raw = Buffer.concat([Buffer.from("srv/names/raw-"), Buffer.from([0xff, 0xfe, 0x80])]);
  return [
    directory("srv/names"),
    file(`srv/names/${"n".repeat(255)}`, content),
    directory(`srv/names/${"d".repeat(255)}`),
    file(`srv/names/${"d".repeat(255)}/inside`, content),
    file("srv/names/grüße-数据", content),
    file("srv/names/ space \\ 'quote' \"double\" *?[$`", content),
    file("srv/names/line\nbreak\ttab", content),
    file(raw, content),
  ];
}

function links(): TarItem[] {
  return [
    directory("srv/links"),
    file("srv/links/first", textBytes("linked", 200_000), { mode: 0o640, uid: 7 }),
    hardLink("srv/links/second", "srv/links/first"),
    hardLink("usr/share/third", "srv/links/first"),
    file("srv/links/pair-a", Buffer.from("pair\n")),
    hardLink("srv/links/pair-b", "srv/links/pair-a"),
    symlink("srv/links/relative", "../sizes/empty"),
    symlink("srv/links/absolute", "/etc/hosts"),
    symlink("srv/links/dangling", "nowhere/at all"),
    symlink("srv/links/outside", "../../../../../etc/passwd"),
    symlink("srv/links/long", `/${"long/".repeat(200)}end`),
    hardLink("srv/links/to-symlink", "srv/links/relative"),
  ];
}

function attributes(): TarItem[] {
  const content = textBytes("attributed", 700);
  const comment = { "SCHILY.xattr.user.comment": "a value" };
  return [
    directory("srv/attributes", { pax: { "SCHILY.xattr.user.folder": "yes" } }),
    file("srv/attributes/capable", content, {
      mode: 0o755,
      pax: { "SCHILY.xattr.security.capability": capability(10) },
    }),
    file("srv/attributes/commented", content, { pax: comment }),
    file("srv/attributes/commented-too", content, { pax: comment }),
    file("srv/attributes/several", content, {
      pax: {
        ...comment,
        "SCHILY.xattr.user.binary": Buffer.from([0, 1, 255, 0]),
        "SCHILY.xattr.user.empty": "",
        "SCHILY.xattr.user.long": textBytes("attribute", 1500),
        "SCHILY.xattr.trusted.note": "root alone reads this",
      },
    }),
  ];
}

/** `security.capability`, version 2: one permitted capability, effective at once. */
function capability(number: number): Buffer {
  const value = Buffer.alloc(20);
  value.writeUInt32LE(0x0200_0001, 0);
  value.writeUInt32LE(1 << number, 4);
  return value;
}

function specials(): TarItem[] {
  const special = (name: string, type: string, mode: number, device: Device = {}): TarItem => {
    return { path: `srv/specials/${name}`, type, mode, mtime: TIME, ...device };
  };
  return [
    directory("srv/specials"),
    special("fifo", "6", 0o600),
    special("null", "3", 0o666, { devMajor: 1, devMinor: 3 }),
    special("disk", "4", 0o660, { devMajor: 259, devMinor: 70_000 }),
    hardLink("srv/specials/fifo-again", "srv/specials/fifo"),
  ];
}

/** What the upper layers delete, replace, hide and change. */
function toBeChanged(): TarItem[] {
  const old = textBytes("old", 3000);
  const paths = ["deleted", "becomes-directory", "becomes-symlink", "rewritten", "mode-changes"];
  return [
    directory("var/state", { mode: 0o750, uid: 33 }),
    ...paths.map((path) => file(`var/state/${path}`, old)),
    directory("var/state/deleted-tree"),
    directory("var/state/deleted-tree/deep"),
    file("var/state/deleted-tree/deep/file", old),
    directory("var/state/becomes-file"),
    file("var/state/becomes-file/old", old),
    symlink("var/state/symlink-becomes-file", "rewritten"),
    directory("var/state/opaque", { mode: 0o711, gid: 9 }),
    file("var/state/opaque/hidden", old),
    directory("var/state/opaque/hidden-tree"),
    file("var/state/opaque/hidden-tree/file", old),
  ];
}

function manyFiles(path: string, count: number): TarItem[] {
  const entries: TarItem[] = [directory(path)];
  for (let number = 0; number < count; number += 1) {
    const name = `${path}/file-${String(number).padStart(4, "0")}.txt`;
    entries.push(file(name, textBytes(name, (number * 37) % 4000), { mtime: TIME + number }));
  }
  return entries;
}

function secondLayer(): TarItem[] {
  const content = textBytes("new", 4000);
  return [
    whiteout("var/state/.wh.deleted"),
    whiteout("var/state/.wh.deleted-tree"),
    whiteout("var/state/.wh.never-there"),
    directory("var/state/becomes-directory"),
    file("var/state/becomes-directory/new", content),
    symlink("var/state/becomes-symlink", "rewritten"),
    file("var/state/becomes-file", content),
    file("var/state/symlink-becomes-file", content),
    file("var/state/rewritten", content, { mode: 0o600 }),
    file("var/state/mode-changes", textBytes("old", 3000), { mode: 0o4711, uid: 42 }),
    directory("var/state/opaque", { mode: 0o711, gid: 9, mtime: TIME + 50 }),
    whiteout("var/state/opaque/.wh..wh..opq"),
    file("var/state/opaque/new", content),
    // A link to a lower layer's file of more than one block, and one name of another pair replaced.
    hardLink("var/state/link-to-base", "srv/links/first"),
    file("srv/links/pair-a", Buffer.from("alone\n")),
    // Through the symbolic link `lib` of the base.
    file("lib/plugin.so", noiseBytes("plugin", 70_000), { mode: 0o755 }),
    ...manyFiles("usr/share/more", 120),
  ];
}

function thirdLayer(): TarItem[] {
  return [
    directory("./", { mode: 0o751, mtime: TIME + 100 }),
    whiteout("usr/share/.wh.third"),
    whiteout("usr/share/many/.wh.file-0007.txt"),
    file("usr/share/many/file-0008.txt", textBytes("third", 150_000)),
    directory("srv/attributes"),
    whiteout("var/.wh.state-of-nothing"),
    directory("var/data", { uid: 1000, gid: 1000 }),
    file("var/data/last", textBytes("last", 300_000)),
  ];
}

type Extra = Partial<Pick<TarItem, "mode" | "uid" | "gid" | "mtime" | "pax">>;
type Device = Pick<TarItem, "devMajor" | "devMinor">;

function directory(path: string, extra: Extra = {}): TarItem {
  return { path: path.endsWith("/") ? path : `${path}/`, mtime: TIME + 1, ...extra };
}

function file(path: string | Uint8Array, data: Uint8Array, extra: Extra = {}): TarItem {
  return { path, data, mtime: TIME + 2, ...extra };
}

function symlink(path: string, linkname: string): TarItem {
  return { path, linkname, mode: 0o777, mtime: TIME + 3 };
}

function hardLink(path: string, linkname: string): TarItem {
  return { path, linkname, type: "1", mtime: TIME + 4 };
}

function whiteout(path: string): TarItem {
  return file(path, Buffer.alloc(0));
}

/** A file of `size` bytes with data at some offsets, in GNU's form 1.0: the data begins with a map. */
function sparse(
  path: string,
  size: number,
  segments: readonly { readonly offset: number; readonly data: Uint8Array }[],
): TarItem {
  const numbers = segments.flatMap(({ offset, data }) => [offset, data.length]);
  const map = Buffer.alloc(512);
  map.write([segments.length, ...numbers, ""].join("\n"));
  return {
    path: "GNUSparseFile/data",
    data: Buffer.concat([map, ...segments.map(({ data }) => data)]),
    mtime: TIME + 5,
    pax: {
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": path,
      "GNU.sparse.realsize": String(size),
    },
  };
}
