import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, deflateSync, zstdCompressSync } from "node:zlib";
import { compressorOf, sampleSquashfs, TIMES } from "../fixtures/sample-squashfs.ts";
import { SMALL_BLOCK, type StoredBlock } from "../fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { noiseBytes, textBytes } from "../real/index.ts";
import { readImage, testDefects, type Defect } from "./defect.ts";

describe("data blocks", () => {
  const code = "SQUASHFS_BLOCK";
  const listOf = (image: SquashfsEditor): number => image.inode(TIMES.big) + 32;
  const fragmentOf = (image: SquashfsEditor): number =>
    image.u64(image.u64(SUPERBLOCK.fragmentTable)) + 2;
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "bits that must be 0", code, edit: setCode(listOf, (size) => size | 0x0200_0000) },
      { name: "raw and of no bytes", code, edit: setCode(listOf, () => 0x0100_0000) },
      { name: "longer than a block", code, edit: setCode(listOf, () => SMALL_BLOCK + 1) },
      {
        name: "raw and too short",
        code,
        edit: setCode(
          (at) => listOf(at) + 4,
          (size) => size - 1,
        ),
      },
      {
        name: "compressed and said to be raw",
        code,
        edit: setCode(listOf, (size) => size | 0x0100_0000),
      },
      {
        name: "raw and said to be compressed",
        code,
        edit: setCode(
          (at) => listOf(at) + 4,
          () => SMALL_BLOCK,
        ),
      },
      { name: "a hole that moves what follows", code, edit: setCode(listOf, () => 0) },
      { name: "cut short", code, edit: setCode(listOf, (size) => size - 1) },
      {
        name: "before the data",
        code,
        edit: (image) => image.set32(image.inode(TIMES.big) + 16, 0),
      },
      {
        name: "behind the data",
        code,
        edit: (image) => image.set32(image.inode(TIMES.big) + 16, image.u64(SUPERBLOCK.inodeTable)),
      },
      {
        name: "a fragment of no bytes",
        code,
        edit: (image) => image.set32(fragmentOf(image) + 8, 0),
      },
      {
        name: "a fragment past 2^53",
        code,
        edit: (image) => image.set64(fragmentOf(image), -1n),
      },
      {
        name: "one flipped bit",
        code,
        edit: (image) => {
          const at = image.u32(image.inode(TIMES.exact) + 16) + 500;
          image.bytes[at] = (image.bytes[at] ?? 0) ^ 4;
        },
      },
    ],
  );

  const exact = textBytes("exact", SMALL_BLOCK);
  const frame = zstdCompressSync(exact);
  const windowed = (windowLog: number): Uint8Array => {
    const params = { [constants.ZSTD_c_contentSizeFlag]: 0 };
    const stored = zstdCompressSync(exact, { params });
    // The byte behind the frame's descriptor, which says that there is one.
    stored[5] = (windowLog - 10) << 3;
    return stored;
  };
  const skippable = Buffer.from("502a4d180400000000000000", "hex");
  const noise = noiseBytes("noise", SMALL_BLOCK);
  const zstdRows: readonly (readonly [name: string, stored: Uint8Array, code?: string])[] = [
    ["a window of 16 KiB", windowed(14)],
    ["two frames", halves(exact)],
    ["a skippable frame before", Buffer.concat([skippable, frame])],
    ["a skippable frame behind", Buffer.concat([frame, skippable])],
    ["bytes behind", Buffer.concat([frame, Buffer.of(0)])],
    ["a byte too few", frame.subarray(0, -1)],
    ["nothing but a magic", frame.subarray(0, 4)],
    ["one byte of content too few", zstdCompressSync(exact.subarray(1))],
    ["one byte of content too many", zstdCompressSync(Buffer.concat([exact, Buffer.of(1)]))],
    ["a zlib stream", deflateSync(exact)],
    ["no compression at all", noise],
    ["longer compressed than by itself", zstdCompressSync(noise)],
  ];
  for (const [name, stored] of zstdRows) {
    test(`a zstd block with ${name} is ${code}`, async () => {
      await assert.rejects(readImage(withExact("zstd", { stored })), { code });
    });
  }

  test("a zstd window of a block is read", async () => {
    await readImage(withExact("zstd", { stored: windowed(12) }));
  });

  const gzipRows: readonly (readonly [name: string, stored: Uint8Array])[] = [
    ["one byte of content too few", deflateSync(exact.subarray(1))],
    ["one byte of content too many", deflateSync(Buffer.concat([exact, Buffer.of(1)]))],
    ["much more content", deflateSync(Buffer.alloc(3_000_000))],
    ["no end", deflateSync(exact).subarray(0, -6)],
    ["a zstd frame", frame],
    ["longer compressed than by itself", deflateSync(noise)],
  ];
  for (const [name, stored] of gzipRows) {
    test(`a zlib block with ${name} is ${code}`, async () => {
      await assert.rejects(readImage(withExact("gzip", { stored })), { code });
    });
  }

  for (const compression of ["gzip", "zstd"] as const) {
    test(`a fragment of ${compression} that is too short for its tails is refused`, async () => {
      const stored = compressorOf(compression)(Buffer.alloc(159, "x"));
      const image = sampleSquashfs(compression, { changes: [["tails", { stored }]] });
      await assert.rejects(readImage(image), { code: "SQUASHFS_INODE" });
    });

    test(`a fragment of ${compression} longer than a block is ${code}`, async () => {
      const stored = compressorOf(compression)(Buffer.alloc(SMALL_BLOCK + 1, "x"));
      const image = sampleSquashfs(compression, { changes: [["tails", { stored }]] });
      await assert.rejects(readImage(image), { code });
    });
  }
});

function setCode(
  place: (image: SquashfsEditor) => number,
  change: (code: number) => number,
): Defect["edit"] {
  return (image) => {
    const at = place(image);
    image.set32(at, change(image.u32(at)));
  };
}

function halves(content: Uint8Array): Uint8Array {
  const half = content.length / 2;
  return Buffer.concat([
    zstdCompressSync(content.subarray(0, half)),
    zstdCompressSync(content.subarray(half)),
  ]);
}

function withExact(compression: "gzip" | "zstd", block: StoredBlock): Uint8Array {
  return sampleSquashfs(compression, { changes: [["exact", block]] });
}

describe("extended attributes", () => {
  const code = "SQUASHFS_XATTR";
  const table = (image: SquashfsEditor): number => image.u64(SUPERBLOCK.xattrTable);
  /** The first pair: type, name length, `capability`, value length, 4 bytes. */
  const pair = (image: SquashfsEditor): number => image.u64(table(image)) + 2;
  /** The only set: reference, count, size. */
  const set = (image: SquashfsEditor): number => image.u64(table(image) + 16) + 2;
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "type 3", code, edit: (image) => image.set16(pair(image), 3) },
      { name: "flags that nobody knows", code, edit: (image) => image.set16(pair(image), 0x0202) },
      { name: "a name of nothing", code, edit: (image) => image.set16(pair(image) + 2, 0) },
      { name: "a name of 256 bytes", code, edit: (image) => image.set16(pair(image) + 2, 247) },
      { name: "a name with NUL", code, edit: (image) => image.put(pair(image) + 4, "\0") },
      {
        name: "a value of 4 GiB",
        code: "LIMIT_XATTR_BYTES",
        edit: (image) => image.set32(pair(image) + 14, 0xffff_ffff),
      },
      {
        name: "a value past its table",
        code: "SQUASHFS_BLOCK",
        edit: (image) => image.set32(pair(image) + 14, 5000),
      },
      {
        name: "a value elsewhere that is no reference",
        code,
        edit: (image) => image.set16(pair(image), 0x0102),
      },
      {
        name: "more pairs than there are",
        code: "SQUASHFS_BLOCK",
        edit: (image) => image.set32(set(image) + 8, 0xffff_ffff),
      },
      {
        name: "a set past the table",
        code: "SQUASHFS_BLOCK",
        edit: (image) => image.set64(set(image), 1n << 40n),
      },
      {
        name: "a name twice",
        code,
        edit: (image) => {
          const second = pair(image) + 22;
          image.set16(pair(image), 0);
          image.set16(second + 2, 10);
          image.put(second + 4, "capability\0\0\0\0");
        },
      },
    ],
  );
});
