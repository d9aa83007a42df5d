import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, deflateSync, zstdCompressSync } from "node:zlib";
import { DEFAULT_LIMITS } from "../src/base/index.ts";
import { openSquashfs } from "../src/squashfs/index.ts";
import {
  compressorOf,
  emptyFiles,
  readWholeImage,
  rootOf,
  sampleSquashfs,
  TIMES,
} from "./fixtures/sample-squashfs.ts";
import { never, SMALL_BLOCK, strictSource, type StoredBlock } from "./fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "./fixtures/squashfs-editor.ts";
import { noiseBytes, textBytes } from "./real/index.ts";

/**
 * Each row is a good image with one thing wrong that some reader refuses, or falls over. Ours reads
 * an image to its last byte and must meet it.
 */
interface Defect {
  readonly name: string;
  readonly code: string;
  readonly edit: (image: SquashfsEditor) => void;
}

async function readImage(bytes: Uint8Array): Promise<unknown> {
  const reader = await openSquashfs(strictSource(bytes), { limits: DEFAULT_LIMITS }, never);
  return await readWholeImage(reader);
}

function testDefects(good: () => Uint8Array, rows: readonly Defect[]): void {
  test("the image without defects is read", async () => {
    await readImage(good());
  });
  for (const { name, code, edit } of rows) {
    test(`${name} is ${code}`, async () => {
      const editor = new SquashfsEditor(good());
      edit(editor);
      await assert.rejects(readImage(editor.bytes), { code });
    });
  }
}

/** Rows that set one 16-, 32- or 64-bit field of the superblock. */
function setField(
  field: keyof typeof SUPERBLOCK,
  bits: 16 | 32 | 64,
  value: number | bigint,
): Defect["edit"] {
  return (image) => {
    const at = SUPERBLOCK[field];
    if (bits === 16) image.set16(at, Number(value));
    else if (bits === 32) image.set32(at, Number(value));
    else image.set64(at, value);
  };
}

const GAP = new Uint8Array(8);

describe("superblock", () => {
  const code = "SQUASHFS_SUPERBLOCK";
  const compressors = { none: 0, lzma: 2, lzo: 3, xz: 4, lz4: 5, unknown: 9 };
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "another magic", code, edit: (image) => image.bytes.set(Buffer.from("sqsh")) },
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

describe("tables", () => {
  const code = "SQUASHFS_TABLE";
  const tableOf = (image: SquashfsEditor, field: keyof typeof SUPERBLOCK): number =>
    image.u64(SUPERBLOCK[field]);
  testDefects(() => {
    const image = new SquashfsEditor(sampleSquashfs("gzip"));
    image.addExportTable();
    return image.bytes;
  }, [
    {
      name: "a gap behind the index of fragments",
      code,
      edit: (image) => image.insert(tableOf(image, "fragmentTable") + 8, GAP),
    },
    {
      name: "a gap behind the index of the export table",
      code,
      edit: (image) => image.insert(tableOf(image, "exportTable") + 8, GAP),
    },
    {
      name: "a gap behind the index of owners",
      code,
      edit: (image) => image.insert(tableOf(image, "idTable") + 8, GAP),
    },
    {
      name: "a gap before the end",
      code,
      edit: (image) => image.insert(tableOf(image, "bytesUsed") - 0, GAP),
    },
    {
      name: "8 more bytes used",
      code,
      edit: (image) => image.add64(SUPERBLOCK.bytesUsed, 8),
    },
    { name: "an export table of more inodes", code, edit: setField("inodeCount", 32, 2000) },
    { name: "more inodes than fit in their table", code, edit: manyInodes },
    {
      name: "more inodes than the limit allows",
      code: "LIMIT_ENTRIES",
      edit: setField("inodeCount", 32, 0xffff_ffff),
    },
    { name: "more fragments than inodes", code, edit: setField("fragmentCount", 32, 63) },
    { name: "two fragments of one, in one block", code, edit: setField("fragmentCount", 32, 2) },
    { name: "fragments without a table", code, edit: setField("fragmentTable", 64, -1n) },
    { name: "more owners than inodes have", code, edit: setField("idCount", 16, 27) },
    { name: "more owners than there are", code, edit: setField("idCount", 16, 4) },
    { name: "directories before inodes", code, edit: setField("directoryTable", 64, 96) },
    { name: "inodes in the superblock", code, edit: setField("inodeTable", 64, 40) },
    {
      name: "inodes where directories are",
      code,
      edit: (image) => image.set64(SUPERBLOCK.inodeTable, tableOf(image, "directoryTable")),
    },
    {
      name: "directories behind the next table",
      code,
      edit: (image) => image.set64(SUPERBLOCK.directoryTable, tableOf(image, "fragmentTable")),
    },
    { name: "an owner table at 0", code, edit: setField("idTable", 64, 0) },
    { name: "an attribute table at 0", code, edit: setField("xattrTable", 64, 0) },
    {
      name: "an attribute table at the end",
      code,
      edit: (image) => image.set64(SUPERBLOCK.xattrTable, tableOf(image, "bytesUsed") - 15),
    },
    {
      name: "no attribute sets",
      code,
      edit: (image) => image.set32(tableOf(image, "xattrTable") + 8, 0),
    },
    {
      name: "more attribute sets than there are",
      code,
      edit: (image) => image.set32(tableOf(image, "xattrTable") + 8, 513),
    },
    {
      name: "more attribute sets than the limit allows",
      code: "LIMIT_ENTRIES",
      edit: (image) => image.set32(tableOf(image, "xattrTable") + 8, 0xffff_ffff),
    },
    {
      name: "attributes behind the sets that name them",
      code,
      edit: (image) => image.set64(tableOf(image, "xattrTable"), tableOf(image, "xattrTable")),
    },
    {
      name: "a block of fragments that is no block's length before its index",
      code,
      edit: (image) => image.add64(tableOf(image, "fragmentTable"), -9000),
    },
    {
      name: "a block of owners past 2^53",
      code,
      edit: (image) => image.set64(tableOf(image, "idTable"), -1n),
    },
    {
      name: "a block of owners behind its index",
      code,
      edit: (image) => image.set64(tableOf(image, "idTable"), tableOf(image, "bytesUsed")),
    },
    {
      name: "a block of owners that ends too early",
      code: "SQUASHFS_BLOCK",
      edit: (image) => {
        const at = image.u64(tableOf(image, "idTable"));
        image.set16(at, image.u16(at) - 4);
      },
    },
    {
      name: "options that are none",
      code,
      edit: setField("flags", 16, 0x0400),
    },
    {
      name: "options behind which there is no room",
      code,
      edit: (image) => {
        image.set16(SUPERBLOCK.flags, 0x0400);
        image.insert(96, gzipOptions(9));
        image.set64(SUPERBLOCK.inodeTable, 100);
      },
    },
    {
      name: "options of a level that is none",
      code,
      edit: (image) => {
        image.set16(SUPERBLOCK.flags, 0x0400);
        image.insert(96, gzipOptions(10));
      },
    },
  ]);

  test("options of the compressor are passed over", async () => {
    const image = new SquashfsEditor(emptyFiles(["a/", "a/b"]));
    image.set16(SUPERBLOCK.flags, 0x0400);
    image.insert(96, gzipOptions(9));
    await readImage(image.bytes);
  });
});

/** Without an export table no index says how many inodes there are. */
function manyInodes(image: SquashfsEditor): void {
  image.bytes = new SquashfsEditor(sampleSquashfs("gzip")).bytes;
  image.set32(SUPERBLOCK.inodeCount, 9_000_000);
}

function gzipOptions(level: number): Uint8Array {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt16LE(8 | 0x8000, 0);
  bytes.writeUInt32LE(level, 2);
  bytes.writeUInt16LE(15, 6);
  bytes.writeUInt16LE(1, 8);
  return bytes;
}

describe("metadata blocks", () => {
  const code = "SQUASHFS_BLOCK";
  const header = (image: SquashfsEditor): number => image.u64(SUPERBLOCK.inodeTable);
  testDefects(
    () => sampleSquashfs("gzip"),
    [
      { name: "a block of no bytes", code, edit: (image) => image.set16(header(image), 0x8000) },
      { name: "a block of 32 KiB", code, edit: (image) => image.set16(header(image), 0xffff) },
      { name: "a block past its table", code, edit: (image) => image.set16(header(image), 0x9000) },
      {
        name: "a short block before the last",
        code,
        edit: (image) => image.set16(header(image), image.u16(header(image)) - 8),
      },
      {
        name: "a raw block that says it is compressed",
        code,
        edit: (image) => image.set16(header(image), image.u16(header(image)) & 0x7fff),
      },
      { name: "a root past its block", code, edit: setField("rootReference", 64, 8191) },
      { name: "a root at offset 8192", code, edit: setField("rootReference", 64, 8192) },
      { name: "a root past its table", code, edit: setField("rootReference", 64, 1n << 32n) },
      { name: "a root of 64 bits", code, edit: setField("rootReference", 64, -1n) },
    ],
  );
});

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
    ["a name that is not there", (image, at) => image.bytes.set(Buffer.from("0"), at + 12), "500"],
    ["a name of 256 bytes", (image, at) => image.set32(at + 8, 255), "500"],
    ["names out of order", (image, at) => image.bytes.set(Buffer.from("8"), at + 12), "9"],
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
      { name: "a name with NUL", code, edit: (image) => image.bytes.set([0], pair(image) + 4) },
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
          image.bytes.set(Buffer.from("capability\0\0\0\0"), second + 4);
        },
      },
    ],
  );
});
