import { test } from "node:test";
import {
  assertReads,
  paxRecords,
  tar,
  tarEnd,
  tarEntry,
  type Row,
} from "../../test/fixtures/tar/index.ts";

const LONG = `${"d".repeat(99)}/${"e".repeat(99)}`;

const readings: readonly Row[] = [
  {
    name: "P04: mtimes before 1970, past 2^32, with fractions",
    archive: tar([
      { path: "a", mtime: -5 },
      { path: "b", mtime: 2 ** 33 },
      { path: "c", pax: { mtime: "1234567890.98" } },
      { path: "d", pax: { mtime: "-3.5" } },
      { path: "e", pax: { mtime: "99999999999999" } },
      { path: "f", pax: { mtime: "-3.000" } },
      { path: "g", pax: { mtime: "+7." } },
    ]),
    expected: [-5, 2 ** 33, 1234567890, -4, 99999999999999, -3, 7].map((mtime) => ({ mtime })),
  },
  {
    name: "P05: large owners in base-256 and pax",
    archive: tar([
      { path: "a", uid: 2097152, gid: 4294967294 },
      { path: "b", pax: { uid: "3000000000", gid: "4294967294" } },
    ]),
    expected: [
      { uid: 2097152, gid: 4294967294 },
      { uid: 3000000000, gid: 4294967294 },
    ],
  },
  {
    name: "P06: a global header changes nothing and is warned of",
    archive: tar([
      { path: "pax_global_header", type: "g", data: paxRecords({ uid: "7", mtime: "9" }) },
      { path: "a", uid: 1, mtime: 2 },
    ]),
    expected: [{ path: "a", uid: 1, mtime: 2 }],
    warnings: [/global extended header with "uid"/],
  },
  {
    name: "P06b: a global path renames nothing",
    archive: tar([
      { path: "g", type: "g", data: paxRecords({ path: "evil" }) },
      { path: "a" },
      { path: "b" },
    ]),
    expected: [{ path: "a" }, { path: "b" }],
    warnings: [/"path"/],
  },
  {
    name: "a global header with a comment, as git archive writes it, is no matter",
    archive: tar([
      { path: "pax_global_header", type: "g", data: paxRecords({ comment: "0123abc" }) },
      { path: "a" },
    ]),
    expected: [{ path: "a" }],
  },
  {
    name: "P07: long names by GNU L and K, by pax, and by the ustar prefix",
    archive: tar([
      { path: "././@LongLink", type: "L", data: `${LONG}\0`, magic: "gnu" },
      { path: "././@LongLink", type: "K", data: `${LONG}K\0`, magic: "gnu" },
      { path: LONG.slice(0, 100), type: "2", magic: "gnu", linkname: "x", pax: {} },
      { path: `${LONG}p`, type: "0" },
      { path: "name", prefix: `${"p".repeat(154)}/` },
    ]),
    expected: [
      { kind: "symlink", path: LONG, linkTarget: `${LONG}K` },
      { path: `${LONG}p`, linkTarget: "" },
      { path: `${"p".repeat(154)}/name` },
    ],
  },
  {
    name: "P07: a GNU header has times where ustar has a prefix, a star header a shorter one",
    archive: tar([
      { path: "gnu", magic: "gnu", prefix: "12345670123\0" },
      {
        path: "star",
        prefix: `${"p".repeat(131)}12345670123`,
        edit(header) {
          header.set(Buffer.from("tar\0"), 508);
        },
      },
    ]),
    expected: [{ path: "gnu" }, { path: `${"p".repeat(131)}/star` }],
  },
  {
    name: "P07b: pax path and linkpath win over L, K and header",
    archive: tar([
      { path: "L", type: "L", data: "from-L\0", magic: "gnu" },
      { path: "K", type: "K", data: "from-K\0", magic: "gnu" },
      { path: "h", type: "2", linkname: "t", pax: { path: "from-pax", linkpath: "to-pax" } },
      { path: "h", type: "2", linkname: "t", pax: { path: "", linkpath: "" } },
    ]),
    expected: [
      { path: "from-pax", linkTarget: "to-pax" },
      { path: "h", linkTarget: "t" },
    ],
  },
  {
    name: "P08: numbers count, names of owners do not",
    archive: tar([{ path: "a", uid: 12345, gid: 54321, uname: "root", gname: "root" }]),
    expected: [{ uid: 12345, gid: 54321 }],
  },
  {
    name: "P09: pax size where the header has none",
    archive: tar([{ path: "a", data: "abcd", size: 0, pax: { size: "4" } }, { path: "b" }]),
    expected: [{ path: "a", text: "abcd" }, { path: "b" }],
  },
  {
    name: "P10: hdrcharset=BINARY and a name that is no text",
    archive: tar([
      { path: "x", pax: { hdrcharset: "BINARY", path: Buffer.from("r\xffw", "latin1") } },
    ]),
    expected: [{ path: "r\xffw" }],
  },
  {
    name: "P11: modes",
    archive: tar([0o4755, 0o2755, 0o1777, 0o100644, 0].map((mode) => ({ path: "a", mode }))),
    expected: [0o4755, 0o2755, 0o1777, 0o644, 0].map((mode) => ({ mode })),
  },
  {
    name: "P12: an empty uid record leaves the header's",
    archive: tar([{ path: "a", uid: 4, gid: 5, pax: { uid: "", gid: "", mtime: "", size: "" } }]),
    expected: [{ uid: 4, gid: 5 }],
  },
  {
    name: "of several extended headers in a row the last counts, and for one entry only",
    archive: tar([
      { path: "x", type: "x", data: paxRecords({ path: "first", uid: "1" }) },
      { path: "a", pax: { path: "second" } },
      { path: "b" },
    ]),
    expected: [
      { path: "second", uid: 0 },
      { path: "b", uid: 0 },
    ],
  },
  {
    name: "U02: type 7 is a file",
    archive: tar([{ path: "a", type: "7", data: "contiguous" }]),
    expected: [{ kind: "file", text: "contiguous" }],
  },
  {
    name: "U03: volume labels, dump directories and other notes are left out, each type told once",
    archive: tar([
      { path: "label", type: "V" },
      { path: "dump", type: "D", data: "Yf\0\0" },
      { path: "dump", type: "D", data: "x".repeat(600) },
      { path: "f", data: "x" },
      { path: "rest", type: "M", data: "abc" },
      { path: "x", type: "N", data: "abc", size: 0, pax: { size: "3", path: "gone" } },
      { path: "acl", type: "A", data: "abc" },
      { path: "inode", type: "I" },
      { path: "g", data: "y" },
    ]),
    expected: [
      { path: "f", text: "x" },
      { path: "g", text: "y" },
    ],
    warnings: [/type V/, /type D/, /type M/, /type N/, /type A/, /type I/],
  },
  { name: "E01: only an end marker", archive: tarEnd(), expected: [] },
  { name: "E02: not a byte", archive: new Uint8Array(0), expected: [] },
  {
    name: "E03: no end marker",
    archive: tarEntry({ path: "a", data: "x" }),
    expected: [{ text: "x" }],
  },
  {
    name: "E04: one zero block",
    archive: Buffer.concat([tarEntry({ path: "a" }), tarEnd().subarray(0, 512)]),
    expected: [{ path: "a" }],
  },
  {
    name: "E05: garbage after the end",
    archive: Buffer.concat([tar([{ path: "a" }]), Buffer.alloc(777, "x")]),
    expected: [{ path: "a" }],
  },
  {
    name: "E06: a second archive after the end",
    archive: Buffer.concat([tar([{ path: "a" }]), tar([{ path: "b" }])]),
    expected: [{ path: "a" }],
  },
  {
    name: "E11: an end marker cut to 700 bytes",
    archive: Buffer.concat([tarEntry({ path: "a" }), tarEnd().subarray(0, 700)]),
    expected: [{ path: "a" }],
  },
  {
    name: "E09: a checksum of signed bytes is one too",
    archive: tar([{ path: Buffer.from("\xe4\xff", "latin1"), checksum: "signed" }]),
    expected: [{ path: "\xe4\xff" }],
  },
  {
    name: "D07: spellings of one directory's files",
    archive: tar(
      ["./", "./a/", "./a//f1", "/a/f2", "a/./f3", "//a/f4", "a/b/../f5"].map((path) => ({ path })),
    ),
    expected: ["", "a", "a/f1", "a/f2", "a/f3", "a/f4", "a/f5"].map((path) => ({ path })),
  },
  {
    name: "D08: names above the root are held down to it",
    archive: tar([{ path: "../evil" }, { path: "/../../evil2" }]),
    expected: [{ path: "evil" }, { path: "evil2" }],
  },
  {
    name: "D09: the root's own attributes",
    archive: tar([{ path: "./", mode: 0o700, uid: 5, gid: 6, mtime: 7 }]),
    expected: [{ kind: "directory", path: "", mode: 0o700, uid: 5, gid: 6, mtime: 7 }],
  },
  {
    name: "D10: type 0 with a slash at the end is a file",
    archive: tar([{ path: "dir/", type: "0" }]),
    expected: [{ kind: "file", path: "dir", text: "" }],
  },
  {
    name: "D10b: a v7 header without a type and a slash at the end is a directory",
    archive: tar([
      { path: "dir/", type: "\0", magic: "v7" },
      { path: "dir/f", type: "\0", magic: "v7", data: "x" },
    ]),
    expected: [
      { kind: "directory", path: "dir" },
      { kind: "file", path: "dir/f", text: "x" },
    ],
  },
  {
    name: "D11: names are bytes",
    archive: tar([
      { path: "back\\slash" },
      { path: "new\nline" },
      { path: Buffer.from("inv\xff\xfe", "latin1") },
      { path: "n".repeat(100) },
      { path: ".wh.whiteout" },
      { path: ".wh..wh..opq" },
    ]),
    expected: [
      "back\\slash",
      "new\nline",
      "inv\xff\xfe",
      "n".repeat(100),
      ".wh.whiteout",
      ".wh..wh..opq",
    ].map((path) => ({ path })),
  },
  {
    name: "D12: a component of 255 bytes",
    archive: tar([{ path: `a/${"b".repeat(255)}` }]),
    expected: [{ path: `a/${"b".repeat(255)}` }],
  },
  {
    name: "S01: targets of symlinks are kept as they are, their mode is 0777",
    archive: tar([
      { path: "a", linkname: "/abs//olute/", mode: 0o600 },
      { path: "b", linkname: "../../../escape" },
      { path: "c", linkname: "t".repeat(4095) },
    ]),
    expected: [
      { kind: "symlink", linkTarget: "/abs//olute/", mode: 0o777 },
      { linkTarget: "../../../escape" },
      { linkTarget: "t".repeat(4095) },
    ],
  },
  {
    name: "N01: devices and a fifo",
    archive: tar([
      { path: "null", type: "3", devMajor: 1, devMinor: 3 },
      { path: "disk", type: "4", devMajor: 259, devMinor: 70000 },
      { path: "most", type: "4", devMajor: 4095, devMinor: 1048575 },
      { path: "pipe", type: "6" },
    ]),
    expected: [
      { kind: "character", device: "1:3" },
      { kind: "block", device: "259:70000" },
      { device: "4095:1048575" },
      { kind: "fifo", device: "0:0" },
    ],
  },
  {
    name: "H15, H16: targets of hard links are cleaned",
    archive: tar(
      ["/x/a", "./x/a", "x/../x/a", "../../x/a"].map((linkname) => ({
        path: "b",
        type: "1",
        linkname,
      })),
    ),
    expected: Array.from({ length: 4 }, () => ({ kind: "hardlink", linkTarget: "x/a" })),
  },
  {
    name: "a hard link with a size but no body leaves the stream in step",
    archive: tar([
      { path: "h", type: "1", linkname: "a", size: 4096 },
      { path: "b", data: "x" },
    ]),
    expected: [{ kind: "hardlink" }, { path: "b", text: "x" }],
  },
];

for (const row of readings) {
  test(`TarReader reads ${row.name}`, () => {
    assertReads(row);
  });
}
