import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "../base/index.ts";
import {
  readTar,
  tar,
  tarEnd,
  tarEntry,
  tarHeader,
  tarNumber,
} from "../../test/fixtures/tar/index.ts";

interface Refusal {
  readonly name: string;
  readonly archive: Uint8Array;
  readonly code: string;
  readonly limits?: Partial<Limits>;
}

const pax = (data: string): Uint8Array => tar([{ path: "x", type: "x", data }, { path: "a" }]);
const whole = tar([{ path: "a", data: "x".repeat(600) }]);

const refusals: readonly Refusal[] = [
  {
    name: "P05b: uid 2^32 in pax",
    archive: tar([{ path: "a", pax: { uid: "4294967296" } }]),
    code: "TAR_ID",
  },
  { name: "P05b: uid 2^32", archive: tar([{ path: "a", uid: 4294967296 }]), code: "TAR_ID" },
  { name: "P05b: uid -1", archive: tar([{ path: "a", uid: -1 }]), code: "TAR_ID" },
  { name: "gid 2^32 - 1", archive: tar([{ path: "a", gid: 4294967295 }]), code: "TAR_ID" },
  { name: "pax uid -1", archive: tar([{ path: "a", pax: { uid: "-1" } }]), code: "TAR_ID" },
  { name: "pax uid text", archive: tar([{ path: "a", pax: { uid: "x" } }]), code: "TAR_PAX" },
  { name: "pax size -1", archive: tar([{ path: "a", pax: { size: "-1" } }]), code: "TAR_PAX" },
  { name: "pax size text", archive: tar([{ path: "a", pax: { size: "0x4" } }]), code: "TAR_PAX" },
  {
    name: "pax size of 2^53",
    archive: tar([{ path: "a", pax: { size: "9007199254740992" } }]),
    code: "TAR_HEADER",
  },
  { name: "pax mtime text", archive: tar([{ path: "a", pax: { mtime: "1e9" } }]), code: "TAR_PAX" },
  { name: "pax mtime .5", archive: tar([{ path: "a", pax: { mtime: ".5" } }]), code: "TAR_PAX" },
  {
    name: "NUL in pax path",
    archive: tar([{ path: "a", pax: { path: "a\0b" } }]),
    code: "TAR_PAX",
  },
  {
    name: "NUL in pax linkpath",
    archive: tar([{ path: "a", linkname: "b", pax: { linkpath: "a\0b" } }]),
    code: "TAR_PAX",
  },
  { name: "a pax record without a newline", archive: pax("8 path=ab"), code: "TAR_PAX" },
  { name: "a pax record too long for its header", archive: pax("99 path=a\n"), code: "TAR_PAX" },
  { name: "a pax record too short for its key", archive: pax("6 path=a\n"), code: "TAR_PAX" },
  { name: "a pax record without a length", archive: pax("path=a\n"), code: "TAR_PAX" },
  { name: "a pax record of length 0", archive: pax("0 path=a\n"), code: "TAR_PAX" },
  { name: "a pax record without a key", archive: pax("4 =\n"), code: "TAR_PAX" },
  { name: "a pax record without =", archive: pax("7 path\n"), code: "TAR_PAX" },
  {
    name: "a pax record with a huge length",
    archive: pax(`${"9".repeat(400)} a=b\n`),
    code: "TAR_PAX",
  },
  { name: "zeros behind pax records", archive: pax("9 path=a\n\0"), code: "TAR_PAX" },
  {
    name: "a malformed global header",
    archive: tar([{ path: "g", type: "g", data: "nonsense" }]),
    code: "TAR_PAX",
  },
  {
    name: "a LIBARCHIVE xattr that is no base64",
    archive: tar([{ path: "a", pax: { "LIBARCHIVE.xattr.user.a": "a*b" } }]),
    code: "TAR_PAX",
  },
  {
    name: "an xattr name with NUL",
    archive: tar([{ path: "a", pax: { "LIBARCHIVE.xattr.user.a%00b": "" } }]),
    code: "TAR_PAX",
  },
  {
    name: "an xattr name that is a namespace alone",
    archive: tar([{ path: "a", pax: { "SCHILY.xattr.user.": "x" } }]),
    code: "TAR_PAX",
  },
  {
    name: "an xattr name of 256 bytes",
    archive: tar([{ path: "a", pax: { [`SCHILY.xattr.user.${"n".repeat(251)}`]: "x" } }]),
    code: "TAR_PAX",
  },
  {
    name: "U01: an unknown type with data",
    archive: tar([{ path: "a" }, { path: "z", type: "Z", data: "zz" }, { path: "b" }]),
    code: "TAR_TYPE",
  },
  { name: "E07: data cut", archive: whole.subarray(0, 900), code: "TAR_TRUNCATED" },
  { name: "E07: padding cut", archive: whole.subarray(0, 1200), code: "TAR_TRUNCATED" },
  { name: "E08: header cut", archive: whole.subarray(0, 300), code: "TAR_TRUNCATED" },
  { name: "E08: zeros cut", archive: tarEnd().subarray(0, 300), code: "TAR_TRUNCATED" },
  {
    name: "an end within an extended header",
    archive: pax("9 path=a\n").subarray(0, 700),
    code: "TAR_TRUNCATED",
  },
  {
    name: "an end between an extended header and its entry",
    archive: pax("9 path=a\n").subarray(0, 1024),
    code: "TAR_TRUNCATED",
  },
  {
    name: "an end marker between an extended header and its entry",
    archive: tar([{ path: "L", type: "L", data: "name\0" }]),
    code: "TAR_TRUNCATED",
  },
  {
    name: "E09: a bad checksum",
    archive: tar([{ path: "a", checksum: 1234 }]),
    code: "TAR_CHECKSUM",
  },
  {
    name: "E10: one zero block, then an entry",
    archive: Buffer.concat([new Uint8Array(512), tar([{ path: "a" }])]),
    code: "TAR_HEADER",
  },
  {
    name: "E11: one zero block, then the start of something",
    archive: Buffer.concat([new Uint8Array(512), tarHeader({ path: "a" }).subarray(0, 200)]),
    code: "TAR_TRUNCATED",
  },
  {
    name: "D09c: the root as a file",
    archive: tar([{ path: "./", type: "0" }]),
    code: "TAR_PATH",
  },
  { name: "D09c: an empty name", archive: tar([{ path: "" }]), code: "TAR_PATH" },
  {
    name: "the root as a symlink",
    archive: tar([{ path: "/", type: "2", linkname: "/etc" }]),
    code: "TAR_PATH",
  },
  {
    name: "D12: a component of 256 bytes",
    archive: tar([{ path: `a/${"b".repeat(256)}` }]),
    code: "TAR_PATH",
  },
  {
    name: "S01: a symlink to nothing",
    archive: tar([{ path: "a", type: "2", linkname: "" }]),
    code: "TAR_PATH",
  },
  {
    name: "a hard link to nothing",
    archive: tar([{ path: "a", type: "1", linkname: "" }]),
    code: "TAR_PATH",
  },
  {
    name: "a hard link to the root",
    archive: tar([{ path: "a", type: "1", linkname: "./" }]),
    code: "TAR_PATH",
  },
  {
    name: "N02: device 70000:3000000",
    archive: tar([{ path: "a", type: "3", devMajor: 70000, devMinor: 3000000 }]),
    code: "TAR_DEVICE",
  },
  {
    name: "device minor 2^20",
    archive: tar([{ path: "a", type: "4", devMajor: 1, devMinor: 1048576 }]),
    code: "TAR_DEVICE",
  },
  {
    name: "H14: a hard link with a body",
    archive: tar([{ path: "h", type: "1", linkname: "a", data: "body" }]),
    code: "TAR_CHECKSUM",
  },
  { name: "size -1", archive: tar([{ path: "a", size: -1 }]), code: "TAR_HEADER" },
  { name: "size 2^53", archive: tar([{ path: "a", size: 2n ** 53n }]), code: "TAR_HEADER" },
  { name: "size 2^90", archive: tar([{ path: "a", size: 2n ** 90n }]), code: "TAR_HEADER" },
  ...["00000x44", "-0000005", "9       ", "\x001234567"].map((mode) => ({
    name: `mode ${JSON.stringify(mode)}`,
    archive: tar([
      {
        path: "a",
        edit(header: Uint8Array) {
          header.set(Buffer.from(mode), 100);
        },
      },
    ]),
    code: "TAR_HEADER",
  })),
  ...[
    { name: "a file", header: tarHeader({ path: "a", size: 2 ** 40 }) },
    {
      name: "an entry that is left out",
      header: tarHeader({ path: "a", type: "V", size: 2 ** 40 }),
    },
    {
      name: "a file whose size stands in a record",
      header: tarEntry({ path: "a", pax: { size: `${2 ** 40}` } }),
    },
    {
      name: "a sparse file",
      header: tarHeader({
        path: "a",
        type: "S",
        magic: "gnu",
        size: 2 ** 40,
        edit(header) {
          header.set(Buffer.concat([tarNumber(0, 12), tarNumber(2 ** 40, 12)]), 386);
          header.set(tarNumber(2 ** 40, 12), 483);
        },
      }),
    },
  ].map(({ name, header }) => ({
    name: `${name} that promises 1 TiB of data and has a byte of it`,
    archive: Buffer.concat([header, Buffer.from("x")]),
    code: "TAR_TRUNCATED",
  })),
  ...["x", "g", "L", "K"].map((type) => ({
    name: `an extended header ${type} that promises 1 TiB, before it has come`,
    archive: tarHeader({ path: "x", type, size: 2 ** 40 }),
    code: "LIMIT_HEADER_BYTES",
  })),
  {
    name: "an extended header over its limit, before it has come",
    archive: tarHeader({ path: "x", type: "x", size: 1025 }),
    limits: { headerBytes: 1024 },
    code: "LIMIT_HEADER_BYTES",
  },
  {
    name: "a path over its limit",
    archive: tar([{ path: "a/bcd" }]),
    limits: { pathBytes: 4 },
    code: "LIMIT_PATH_BYTES",
  },
  {
    name: "a path too deep",
    archive: tar([{ path: "a/b/c" }]),
    limits: { pathDepth: 2 },
    code: "LIMIT_PATH_DEPTH",
  },
  {
    name: "a hard link's target over its limit",
    archive: tar([{ path: "a", type: "1", linkname: "bcdef" }]),
    limits: { pathBytes: 4 },
    code: "LIMIT_PATH_BYTES",
  },
  {
    name: "a symlink's target over its limit",
    archive: tar([{ path: "a", linkname: "t".repeat(4096) }]),
    code: "LIMIT_LINK_TARGET_BYTES",
  },
  {
    name: "xattrs over their limit",
    archive: tar([{ path: "a", pax: { "SCHILY.xattr.user.a": "1234" } }]),
    limits: { xattrBytes: 9 },
    code: "LIMIT_XATTR_BYTES",
  },
];

for (const { name, archive, code, limits } of refusals) {
  test(`TarReader refuses ${name}`, () => {
    assert.throws(() => readTar(archive, { limits: limits ?? {} }), { code });
  });
}

test("TarReader names the archive, the place and the reason in its messages", () => {
  const archive = tar([{ path: "a" }, { path: "h", type: "1", linkname: "a", data: "body" }]);
  assert.throws(() => readTar(archive), {
    message:
      "test: tar header at byte 1024: expected a header, got a block without a header's checksum " +
      '(after hardlink "h", which claims a body)',
  });
});
