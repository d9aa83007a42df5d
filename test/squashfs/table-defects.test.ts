import { describe, test } from "node:test";
import { emptyFiles, sampleSquashfs } from "../fixtures/sample-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { readImage, setField, testDefects } from "./defect.ts";

const GAP = new Uint8Array(8);

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
