import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { openSquashfs } from "../../src/squashfs/index.ts";
import { emptyFiles, rootOf, sampleSquashfs, TIMES } from "../fixtures/sample-squashfs.ts";
import { never, SMALL_BLOCK, strictSource } from "../fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { readImage, setField, testDefects, type Defect } from "./defect.ts";

describe("inodes", () => {
  const code = "SQUASHFS_INODE";
  const set16 =
    (inode: keyof typeof TIMES, offset: number, value: number): Defect["edit"] =>
    (image) => {
      image.set16(image.inode(TIMES[inode]) + offset, value);
    };
  const set32 =
    (inode: keyof typeof TIMES, offset: number, value: number): Defect["edit"] =>
    (image) => {
      image.set32(image.inode(TIMES[inode]) + offset, value);
    };
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "type 0", code, edit: set16("one", 0, 0) },
      { name: "type 15", code, edit: set16("one", 0, 15) },
      { name: "a mode with the type in it", code, edit: set16("one", 2, 0o100644) },
      { name: "a root mode with the type in it", code, edit: set16("root", 2, 0o040755) },
      { name: "a user that is not there", code, edit: set16("one", 4, 3) },
      { name: "a group that is not there", code, edit: set16("one", 6, 0xffff) },
      { name: "number 0", code, edit: set32("one", 12, 0) },
      { name: "a number past the count", code, edit: set32("one", 12, 14) },
      { name: "fewer inodes than there are", code, edit: setField("inodeCount", 32, 12) },
      {
        name: "a root that is a file",
        code,
        edit: (image) => {
          const from = image.u64(SUPERBLOCK.inodeTable) + 2;
          image.set64(SUPERBLOCK.rootReference, image.inode(TIMES.one) - from);
        },
      },
      { name: "an empty file in a fragment", code, edit: set32("empty", 20, 0) },
      { name: "a whole block in a fragment", code, edit: set32("exact", 20, 0) },
      { name: "a fragment that is not there", code, edit: set32("one", 20, 1) },
      { name: "a tail past a full block", code, edit: set32("one", 24, SMALL_BLOCK - 99) },
      { name: "a tail past its fragment", code, edit: set32("one", 24, 61) },
      { name: "a file of more blocks than are listed", code, edit: set32("big", 28, 0xffff_ffff) },
      {
        name: "a file of 2^63 bytes",
        code,
        edit: (image) => image.set64(image.inode(TIMES.holes) + 24, 1n << 63n),
      },
      {
        name: "a file at 2^63",
        code,
        edit: (image) => image.set64(image.inode(TIMES.holes) + 16, 1n << 63n),
      },
      { name: "a link to nothing", code, edit: set32("link", 20, 0) },
      { name: "a link with NUL in it", code, edit: set32("link", 24, 0x2f00_6f61) },
      {
        name: "a link of 4096 bytes",
        code: "LIMIT_LINK_TARGET_BYTES",
        edit: set32("link", 20, 4096),
      },
      { name: "an attribute set that is not there", code, edit: set32("noted", 36, 1) },
      { name: "a listing shorter than none", code, edit: set16("a", 24, 2) },
      { name: "a listing longer than all", code, edit: set32("noted", 20, 0xffff_ffff) },
    ],
  );
});

describe("directories", () => {
  const code = "SQUASHFS_DIRECTORY";
  /** The run that an entry is in, which it is the first of. */
  const runOf = (image: SquashfsEditor, first: string): number => image.entry(first) - 12;
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "a run of 257", code, edit: (image) => image.set32(runOf(image, "one"), 256) },
      {
        name: "a run of 2^32",
        code,
        edit: (image) => image.set32(runOf(image, "one"), 0xffff_ffff),
      },
      {
        name: "a run of more than there are",
        code,
        edit: (image) => image.set32(runOf(image, "one"), 2),
      },
      {
        name: "a listing that ends in a header",
        code,
        edit: (image) => image.set32(runOf(image, "one"), 0),
      },
      { name: "type 0", code, edit: (image) => image.set16(image.entry("one") + 4, 0) },
      { name: "type 9", code, edit: (image) => image.set16(image.entry("one") + 4, 9) },
      { name: "another type", code, edit: (image) => image.set16(image.entry("one") + 4, 3) },
      {
        name: "another inode's number",
        code,
        edit: (image) => image.set16(image.entry("one") + 2, 1),
      },
      {
        name: "a number below 1",
        code,
        edit: (image) => image.set16(image.entry("one") + 2, 0x8000),
      },
      {
        name: "two inodes of one number",
        code,
        edit: (image) => {
          image.set32(image.inode(TIMES.two) + 12, image.u32(image.inode(TIMES.one) + 12));
          image.set16(image.entry("two") + 2, 0);
        },
      },
      { name: "names out of order", code, edit: (image) => image.rename("pipe", "aipe") },
      { name: "a name twice", code, edit: (image) => image.rename("two", "one") },
      { name: "a name with a slash", code, edit: (image) => image.rename("pipe", "p/pe") },
      { name: "a name with NUL", code, edit: (image) => image.rename("pipe", "p\0pe") },
      {
        name: "a name of 256 bytes",
        code,
        edit: (image) => image.set16(image.entry("one") + 6, 255),
      },
      {
        name: "a directory in itself",
        code,
        edit: (image) => {
          const root = image.inode(TIMES.root);
          const listing = image.u64(SUPERBLOCK.directoryTable) + 2 + image.u16(root + 26);
          const entry = image.entry("noted");
          image.set16(entry, root - image.u64(SUPERBLOCK.inodeTable) - 2);
          image.set16(entry + 2, image.u32(root + 12) - image.u32(listing + 8));
        },
      },
    ],
  );

  for (const name of [".", ".."]) {
    test(`the name ${name} is ${code}`, async () => {
      const image = new SquashfsEditor(emptyFiles([",".repeat(name.length)]));
      image.rename(",".repeat(name.length), name);
      await assert.rejects(readImage(image.bytes), { code });
    });
  }
});

describe("indexes of directories", () => {
  const code = "SQUASHFS_DIRECTORY";
  const names = Array.from({ length: 600 }, (_, i) => `${i + 100}-${"n".repeat(20)}`);
  /** What is wrong with the first of two entries, and a name whose look-up meets it. */
  type Row = readonly [string, (image: SquashfsEditor, entry: number) => void, string];
  const rows: readonly Row[] = [
    ["another place in the listing", (image, at) => image.set32(at, image.u32(at) + 12), "500"],
    ["a place past the listing", (image, at) => image.set32(at, 0xffff_ffff), "500"],
    ["the listing's start", (image, at) => image.set32(at, 0), "500"],
    ["a name that is not there", (image, at) => image.put(at + 12, "0"), "500"],
    ["a name of 256 bytes", (image, at) => image.set32(at + 8, 255), "500"],
    ["names out of order", (image, at) => image.put(at + 12, "8"), "9"],
  ];
  for (const [name, edit, lookUp] of rows) {
    test(`an index with ${name} is ${code}`, async () => {
      const image = new SquashfsEditor(emptyFiles(names));
      // The root's inode is the last one, and its index ends it.
      const entryBytes = 12 + (names[0]?.length ?? 0);
      edit(image, image.u64(SUPERBLOCK.directoryTable) - 2 * entryBytes);
      const source = strictSource(image.bytes);
      const reader = await openSquashfs(source, { limits: DEFAULT_LIMITS }, never);
      assert.equal((await rootOf(reader)).indexCount, 2);
      await assert.rejects(reader.stat(lookUp, { follow: false }, never), { code });
    });
  }
});
