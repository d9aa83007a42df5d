import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import { readFile } from "node:fs/promises";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { goldenLayers } from "../fixtures/golden-layers.ts";
import { compressorOf, emptyFiles, sampleSquashfs, TIMES } from "../fixtures/sample-squashfs.ts";
import { makeSquashfs, record, SMALL_BLOCK, type StoredBlock } from "../fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { noiseBytes, textBytes } from "../real/index.ts";
import { setField, type Defect } from "./defect.ts";
import { lintImage } from "./lint/lint-image.ts";

// Whatever any reader of squashfs refuses or falls over, our writer must never write. The lint is what
// says so of an image; here it is shown to find each of these defects, and nothing in our images.

describe("images of ours have nothing that a reader stumbles over", () => {
  for (const compression of ["gzip", "zstd"] as const) {
    for (const rootOwns of [false, true]) {
      test(`the golden image, ${compression}${rootOwns ? ", all of it root's" : ""}`, async (t) => {
        const layers = goldenLayers().map((tar) => ({ tar }));
        const { path, partition } = await convertLayers(t, layers, { compression, rootOwns });
        const { offset, size } = partition;
        assert.deepEqual(lintImage((await readFile(path)).subarray(offset, offset + size)), []);
      });
    }

    test(`the sample, ${compression}`, () => {
      assert.deepEqual(lintImage(sampleSquashfs(compression)), []);
      assert.deepEqual(lintImage(sampleSquashfs(compression, { compressed: true })), []);
    });
  }

  test("an empty image, one of an empty file, and one of many", () => {
    const many = Array.from({ length: 3000 }, (_, i) => `n${i}-${"x".repeat(i % 200)}`);
    for (const paths of [[], ["a"], many]) assert.deepEqual(lintImage(emptyFiles(paths)), []);
  });
});

const GAP = new Uint8Array(8);
const at = (image: SquashfsEditor, field: keyof typeof SUPERBLOCK): number =>
  image.u64(SUPERBLOCK[field]);
const inode =
  (name: keyof typeof TIMES, bits: 16 | 32, offset: number, value: number): Defect["edit"] =>
  (image) =>
    bits === 16
      ? image.set16(image.inode(TIMES[name]) + offset, value)
      : image.set32(image.inode(TIMES[name]) + offset, value);

/** What was found to make the kernel, unsquashfs, rdsquashfs or squashfuse refuse, lie or crash. */
const edits: readonly (readonly [name: string, finds: RegExp, edit: Defect["edit"]])[] = [
  [
    "no padding",
    /with padding/,
    (image) => (image.bytes = image.bytes.subarray(0, at(image, "bytesUsed"))),
  ],
  [
    "padding to 512 bytes",
    /with padding/,
    (image) => {
      const sectors = Math.ceil(at(image, "bytesUsed") / 512);
      image.bytes = image.bytes.subarray(0, sectors * 512);
    },
  ],
  ["padding with something in it", /padding/, (image) => image.put(image.bytes.length - 1, "x")],
  [
    "a gap behind the fragments",
    /gap|bytes between/,
    (image) => image.insert(at(image, "fragmentTable") + 8, GAP),
  ],
  [
    "a gap behind the owners",
    /bytes between/,
    (image) => image.insert(at(image, "idTable") + 8, GAP),
  ],
  ["a gap before the end", /bytes between/, (image) => image.insert(at(image, "bytesUsed"), GAP)],
  ["an export table", /export table/, (image) => image.addExportTable()],
  ["a mode with the type in it", /mode 0100644/, inode("one", 16, 2, 0o100644)],
  ["a root mode with the type in it", /mode 040755/, inode("root", 16, 2, 0o040755)],
  ["names out of order", /before/, (image) => image.rename("pipe", "aipe")],
  ["a name twice", /before/, (image) => image.rename("two", "one")],
  ["a name with a slash", /name p\/pe/, (image) => image.rename("pipe", "p/pe")],
  [
    "another inode's number",
    /inode \d+, which is/,
    (image) => image.set16(image.entry("one") + 2, 1),
  ],
  ["an entry of type 9", /type 9/, (image) => image.set16(image.entry("one") + 4, 9)],
  ["an entry of an extended type", /type 8/, (image) => image.set16(image.entry("noted") + 4, 8)],
  ["another logarithm of the block size", /block size/, setField("blockLog", 16, 13)],
  ["fewer inodes than there are", /inode count/, setField("inodeCount", 32, 12)],
  ["more inodes than there are", /inode count/, setField("inodeCount", 32, 14)],
  ["8 more bytes used", /bytes between/, (image) => image.add64(SUPERBLOCK.bytesUsed, 8)],
  ["no flags", /flags/, setField("flags", 16, 0)],
  ["options of the compressor without a block", /flags/, setField("flags", 16, 0x0440)],
  [
    "a block size of 2 MiB",
    /taken apart/,
    (image) => image.set32(SUPERBLOCK.blockSize, 2 ** 21).set16(SUPERBLOCK.blockLog, 21),
  ],
  ["an empty file in a fragment", /nothing is left over/, inode("empty", 32, 20, 0)],
  ["inode number 0", /number 0|inode 0/, inode("one", 32, 12, 0)],
  [
    "an inode number twice",
    /number \d+ of the table/,
    (image) => image.set32(image.inode(TIMES.two) + 12, image.u32(image.inode(TIMES.one) + 12)),
  ],
  ["an owner that is not there", /owners/, inode("one", 16, 4, 2)],
  ["another number of links", /3 names, not|2 names, not/, inode("hard", 32, 40, 3)],
  ["a directory's number of links", /9 links/, inode("a", 32, 20, 9)],
  ["bytes in holes that are not", /bytes in holes/, inode("holes", 32, 32, 5)],
  [
    "an attribute of type 3",
    /type 3/,
    (image) => image.set16(image.u64(at(image, "xattrTable")) + 2, 3),
  ],
  ["a time", /time/, (image) => image.set32(8, 1)],
];

describe("the lint finds", () => {
  for (const [name, finds, edit] of edits) {
    test(name, () => {
      const image = new SquashfsEditor(sampleSquashfs("gzip"));
      edit(image);
      assert.match(lintImage(image.bytes).join("\n"), finds);
    });
  }

  const exact = textBytes("exact", SMALL_BLOCK);
  const half = SMALL_BLOCK / 2;
  const frame = zstdCompressSync(exact);
  const skippable = Buffer.from("502a4d180400000000000000", "hex");
  const blocks: readonly (readonly [name: string, stored: Uint8Array, finds: RegExp])[] = [
    [
      "a zstd window",
      zstdCompressSync(exact, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }),
      /one segment/,
    ],
    [
      "two zstd frames",
      Buffer.concat(
        [exact.subarray(0, half), exact.subarray(half)].map((it) => zstdCompressSync(it)),
      ),
      /one segment/,
    ],
    ["a skippable zstd frame", Buffer.concat([skippable, frame]), /one segment/],
    ["bytes behind a zstd frame", Buffer.concat([frame, Buffer.of(0)]), /one segment|apart/],
    [
      "a block compressed to more than it is",
      zstdCompressSync(noiseBytes("x", SMALL_BLOCK)),
      /more/,
    ],
    ["a block of zeros", zstdCompressSync(Buffer.alloc(SMALL_BLOCK)), /nothing but zeros/],
    ["a short block", zstdCompressSync(exact.subarray(1)), /4095 bytes, not 4096/],
  ];
  for (const [name, stored, finds] of blocks) {
    test(name, () => {
      const image = sampleSquashfs("zstd", { changes: [["exact", { stored }]] });
      assert.match(lintImage(image).join("\n"), finds);
    });
  }

  test("a whole block stored as a fragment", () => {
    const stored = compressorOf("gzip")(exact);
    const data = { kind: "fragment", fragment: 0, offset: 0 } as const;
    const records = [record({ path: "exact", size: SMALL_BLOCK, data })];
    const image = makeSquashfs({
      compression: "gzip",
      records,
      blocks: [{ stored }],
      fragments: [0],
    });
    assert.match(lintImage(image).join("\n"), /taken apart/);
  });

  test("a fragment that nobody uses", () => {
    const tail: StoredBlock = { stored: compressorOf("gzip")(exact.subarray(0, 100)) };
    const data = (fragment: number) => ({ kind: "fragment", fragment, offset: 0 }) as const;
    const records = ["one", "two"].map((path, index) =>
      record({ path, size: 100, data: data(index), mtime: index === 0 ? TIMES.one : TIMES.two }),
    );
    const blocks = [tail, { stored: compressorOf("gzip")(exact.subarray(0, 200)) }];
    const image = new SquashfsEditor(
      makeSquashfs({ compression: "gzip", records, blocks, fragments: [0, 1] }),
    );
    assert.deepEqual(lintImage(image.bytes), []);
    image.set32(image.inode(TIMES.two) + 20, 0);
    assert.match(lintImage(image.bytes).join("\n"), /fragment 1: nobody uses it/);
  });

  test("a name of 256 bytes", () => {
    const name = "n".repeat(255);
    const image = new SquashfsEditor(emptyFiles([name]));
    const [entry, listing] = [image.entry(name), at(image, "directoryTable")];
    image.insert(entry + 8 + name.length, Buffer.from("n"));
    image.set16(entry + 6, 255).set16(listing, image.u16(listing) + 1);
    // The root's inode is the last one; its listing is one byte longer.
    const root = at(image, "directoryTable") - 32;
    image.set16(root + 24, image.u16(root + 24) + 1);
    assert.match(lintImage(image.bytes).join("\n"), /a name of 256 bytes/);
  });

  test("an index that names another place", () => {
    const names = Array.from({ length: 600 }, (_, i) => `${i + 100}-${"n".repeat(20)}`);
    const image = new SquashfsEditor(emptyFiles(names));
    const entryBytes = 12 + (names[0]?.length ?? 0);
    const entry = at(image, "directoryTable") - 2 * entryBytes;
    image.set32(entry, image.u32(entry) + 12);
    assert.match(lintImage(image.bytes).join("\n"), /an index/);
  });
});
