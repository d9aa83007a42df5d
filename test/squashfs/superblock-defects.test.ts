import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sampleSquashfs } from "../fixtures/sample-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { readImage, setField, testDefects, type Defect } from "./defect.ts";

describe("superblock", () => {
  const code = "SQUASHFS_SUPERBLOCK";
  const compressors = { none: 0, lzma: 2, lzo: 3, xz: 4, lz4: 5, unknown: 9 };
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "another magic", code, edit: (image) => image.put(0, "sqsh") },
      { name: "version 3.0", code, edit: setField("major", 16, 3) },
      { name: "version 4.1", code, edit: setField("minor", 16, 1) },
      {
        name: "a block size that is not the logarithm's",
        code,
        edit: setField("blockLog", 16, 13),
      },
      { name: "a block size that is no power of two", code, edit: setField("blockSize", 32, 4097) },
      { name: "a block size of 2 MiB", code, edit: setBlockSize(21) },
      { name: "a block size of 2 KiB", code, edit: setBlockSize(11) },
      { name: "no inodes", code, edit: setField("inodeCount", 32, 0) },
      { name: "no owners", code, edit: setField("idCount", 16, 0) },
      { name: "nothing used", code, edit: setField("bytesUsed", 64, 0) },
      { name: "more used than there is", code, edit: setField("bytesUsed", 64, 1 << 20) },
      { name: "more used than can be", code, edit: setField("bytesUsed", 64, -1n) },
      { name: "a position past 2^53", code, edit: setField("inodeTable", 64, 1n << 60n) },
      {
        name: "an image that is not padded",
        code,
        edit: (image) => {
          image.bytes = image.bytes.subarray(0, image.u64(SUPERBLOCK.bytesUsed));
        },
      },
      {
        name: "an image cut short",
        code,
        edit: (image) => {
          image.bytes = image.bytes.subarray(0, 95);
        },
      },
      ...Object.entries(compressors).map(([name, id]) => ({
        name: `compressor ${name}`,
        code: "SQUASHFS_COMPRESSOR",
        edit: setField("compressor", 16, id),
      })),
    ],
  );

  test("a refused compressor is named", async () => {
    const image = new SquashfsEditor(sampleSquashfs("gzip"));
    image.set16(SUPERBLOCK.compressor, 4);
    await assert.rejects(readImage(image.bytes), { message: /expected gzip or zstd, got xz$/ });
  });

  test("flags that say nothing true are of no matter, as they are to kernels", async () => {
    const image = new SquashfsEditor(sampleSquashfs("gzip"));
    image.set16(SUPERBLOCK.flags, 0);
    await readImage(image.bytes);
  });
});

function setBlockSize(log: number): Defect["edit"] {
  return (image) => {
    image.set32(SUPERBLOCK.blockSize, 2 ** log);
    image.set16(SUPERBLOCK.blockLog, log);
  };
}
