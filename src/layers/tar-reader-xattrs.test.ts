import { test } from "node:test";
import { assertReads, tar, type Row } from "../../test/fixtures/tar/index.ts";

const NUL_CAP = "\x01\0\0\x02\0\x20\0\0";

const readings: readonly Row[] = [
  {
    name: "P01: SCHILY xattrs with NUL, of one file and not of the next",
    archive: tar([
      {
        path: "a",
        pax: { "SCHILY.xattr.user.a": "x\0y", "SCHILY.xattr.security.capability": NUL_CAP },
      },
      { path: "b" },
    ]),
    expected: [
      { path: "a", xattrs: { "security.capability": NUL_CAP, "user.a": "x\0y" } },
      { path: "b", xattrs: {} },
    ],
  },
  {
    name: "P02: LIBARCHIVE xattr, base64 without padding, name percent-encoded",
    archive: tar([{ path: "a", pax: { "LIBARCHIVE.xattr.user.%61%3D": "aGk" } }]),
    expected: [{ xattrs: { "user.a=": "hi" } }],
  },
  {
    name: "P02b: SCHILY wins over LIBARCHIVE, whichever comes first",
    archive: tar([
      { path: "a", pax: { "SCHILY.xattr.user.a": "S", "LIBARCHIVE.xattr.user.a": "TA==" } },
      { path: "b", pax: { "LIBARCHIVE.xattr.user.a": "TA==", "SCHILY.xattr.user.a": "S" } },
    ]),
    expected: [{ xattrs: { "user.a": "S" } }, { xattrs: { "user.a": "S" } }],
  },
  {
    name: "P03b: user xattr on a symlink, a device and a fifo is left out and warned of once",
    archive: tar([
      { path: "s", linkname: "t", pax: { "SCHILY.xattr.user.a": "1" } },
      { path: "c", type: "3", pax: { "SCHILY.xattr.user.a": "1" } },
      { path: "p", type: "6", pax: { "SCHILY.xattr.user.a": "1" } },
    ]),
    expected: [{ xattrs: {} }, { xattrs: {} }, { xattrs: {} }],
    warnings: [/"s".*user\.a/],
  },
  {
    name: "P03c: trusted xattr on a symlink",
    archive: tar([{ path: "s", linkname: "t", pax: { "SCHILY.xattr.trusted.a": "1" } }]),
    expected: [{ xattrs: { "trusted.a": "1" } }],
  },
  {
    name: "P03d: xattrs that an overlay file system would obey are dropped",
    archive: tar([
      {
        path: "d/",
        pax: {
          "SCHILY.xattr.trusted.overlay.opaque": "y",
          "SCHILY.xattr.user.overlay.opaque": "y",
          "SCHILY.xattr.user.rootlesscontainers": "y",
          "SCHILY.xattr.trusted.other": "y",
        },
      },
    ]),
    expected: [{ xattrs: { "trusted.other": "y" } }],
  },
  {
    name: "P03e: selinux labels and ACLs are dropped, the latter with a warning",
    archive: tar([
      {
        path: "f",
        pax: {
          "SCHILY.xattr.security.selinux": "label",
          "SCHILY.xattr.security.ima": "kept",
          "SCHILY.acl.access": "user::rw-",
          "RHT.security.selinux": "label",
          "SCHILY.xattr.system.posix_acl_access": "acl",
          "SCHILY.xattr.system.posix_acl_default": "acl",
        },
      },
    ]),
    expected: [{ xattrs: { "security.ima": "kept" } }],
    warnings: [/system\.posix_acl_access/],
  },
  {
    name: "P03f: xattrs of a hard link are ignored",
    archive: tar([
      { path: "h", type: "1", linkname: "f", pax: { "SCHILY.xattr.security.a": "1" } },
    ]),
    expected: [{ kind: "hardlink", xattrs: {} }],
  },
  {
    name: "xattrs come sorted by the bytes of their names; an empty value is a value",
    archive: tar([
      {
        path: "f",
        pax: [
          ["SCHILY.xattr.user.b", "2"],
          ["SCHILY.xattr.user.a", "1"],
          ["SCHILY.xattr.user.b", ""],
        ],
      },
    ]),
    expected: [{ xattrs: { "user.a": "1", "user.b": "" } }],
  },
];

for (const row of readings) {
  test(`TarReader reads ${row.name}`, () => {
    assertReads(row);
  });
}
