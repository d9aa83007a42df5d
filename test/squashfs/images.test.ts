import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DEFAULT_LIMITS, openFileSource } from "../../src/base/index.ts";
import { openSquashfs } from "../../src/squashfs/index.ts";
import { openImageTree } from "../../src/pull/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { goldenLayers } from "../fixtures/golden-layers.ts";
import { imageTree } from "../fixtures/image-tree.ts";
import { never } from "../fixtures/small-squashfs.ts";
import { tar, type TarItem } from "../fixtures/tar/index.ts";
import {
  comparableHere,
  compareTrees,
  noiseBytes,
  readTree,
  run,
  textBytes,
  unsquash,
  type Tree,
} from "../real/index.ts";

// Our reader against unsquashfs, on images of every writer there is.

let directory: Awaited<ReturnType<typeof mkdtempDisposable>>;
let archive: string;

before(async () => {
  directory = await mkdtempDisposable(join(tmpdir(), "siflet-images-"));
  archive = join(directory.path, "files.tar");
  await writeFile(archive, tar(archiveItems()));
});

after(async () => {
  await directory.remove();
});

/** What other writers store otherwise than ours: values out of line, listings over 64 KiB. */
function archiveItems(): TarItem[] {
  const shared = textBytes("shared value", 1000);
  const many = Array.from({ length: 1800 }, (_, i) => `many/${i}-${"long-name-".repeat(3)}`);
  return [
    { path: "./", mode: 0o755, mtime: 1_000_000 },
    { path: "many/" },
    ...many.map((path, i): TarItem => ({ path, uid: i, gid: i % 3, mtime: 1_600_000_000 + i })),
    { path: "noise", data: noiseBytes("noise", 1_500_000) },
    { path: "text", data: textBytes("text", 1_500_000) },
    { path: "holes", data: Buffer.concat([Buffer.alloc(3_000_000), textBytes("end", 77)]) },
    { path: "nothing-but-holes", data: Buffer.alloc(2 ** 21) },
    { path: "empty" },
    ...[1, 4095, 4096, 4097, 131_071, 131_072, 131_073].flatMap((size): TarItem[] => [
      { path: `text-${size}`, data: textBytes(`t${size}`, size) },
      { path: `noise-${size}`, data: noiseBytes(`n${size}`, size) },
    ]),
    { path: "attributes-1", pax: { "SCHILY.xattr.user.shared": shared } },
    { path: "attributes-2", pax: { "SCHILY.xattr.user.shared": shared } },
    {
      path: "attributes-3",
      data: "x",
      pax: { "SCHILY.xattr.user.shared": shared, "SCHILY.xattr.user.own": "value" },
    },
    { path: "hard", type: "1", linkname: "text" },
    { path: "link", linkname: "../text" },
    { path: "link-2", type: "1", linkname: "link" },
    { path: "fifo", type: "6" },
    { path: "null", type: "3", devMajor: 1, devMinor: 3 },
    { path: "disk", type: "4", devMajor: 259, devMinor: 70_000 },
    { path: Buffer.from("not-utf-8-\xff", "latin1"), data: "\n" },
  ];
}

async function treeOf(path: string): Promise<Tree> {
  await using file = await openFileSource(path);
  return await imageTree(await openSquashfs(file, { limits: DEFAULT_LIMITS }, never));
}

async function unpackedTree(path: string, offset: number): Promise<Tree> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-unpacked-"));
  await unsquash(path, offset, join(work.path, "tree"));
  return await readTree(join(work.path, "tree"));
}

const WRITERS: readonly (readonly [name: string, command: string])[] = [
  ["mksquashfs", "mksquashfs - OUT -tar"],
  ["mksquashfs with zstd and blocks of 1 MiB", "mksquashfs - OUT -tar -comp zstd -b 1M"],
  [
    "mksquashfs with options and an export table",
    "mksquashfs - OUT -tar -exports -Xwindow-size 12",
  ],
  ["mksquashfs with all tails in fragments", "mksquashfs - OUT -tar -b 4096 -always-use-fragments"],
  ["mksquashfs without fragments", "mksquashfs - OUT -tar -no-fragments -no-duplicates"],
  ["mksquashfs without compression", "mksquashfs - OUT -tar -noI -noId -noD -noF -noX"],
  ["mksquashfs without holes or attributes", "mksquashfs - OUT -tar -no-sparse -no-xattrs"],
  ["tar2sqfs", "tar2sqfs --compressor gzip OUT"],
  ["tar2sqfs with zstd and an export table", "tar2sqfs --compressor zstd --exportable OUT"],
  ["tar2sqfs with options", "tar2sqfs --compressor gzip --comp-extra level=3,window=12 OUT"],
];

describe("images of other writers are read as unsquashfs reads them", () => {
  for (const [name, command] of WRITERS) {
    test(name, async () => {
      const path = await write(name, command);
      const tree = await treeOf(path);
      assert.deepEqual(compareTrees(await unpackedTree(path, 0), tree, comparableHere()), []);
      assert.ok(tree.size > 1800);
      const { xattrs = {} } = tree.get("attributes-3") ?? {};
      assert.equal(Object.keys(xattrs).length, name.includes("without holes or") ? 0 : 2);
    });
  }

  for (const command of [WRITERS[0], WRITERS[7]]) {
    test(`${command?.[0] ?? ""}: names are found through the index`, async () => {
      const path = await write(`${command?.[0] ?? ""} index`, command?.[1] ?? "");
      await using file = await openFileSource(path);
      const reader = await openSquashfs(file, { limits: DEFAULT_LIMITS }, never);
      const { inode } = await reader.stat("many", { follow: false }, never);
      assert.ok(inode.kind === "directory" && inode.indexCount > 5);
      const entries = await Array.fromAsync(reader.readdir(inode, never));
      for (const { name, inodeNumber } of entries.filter((_, index) => index % 41 === 0)) {
        const found = await reader.stat(
          `many/${Buffer.from(name).toString()}`,
          { follow: false },
          never,
        );
        assert.equal(found.inode.number, inodeNumber);
      }
    });
  }
});

const REFUSED = ["xz", "lzo", "lz4"];

describe("other compressors are refused by name", () => {
  for (const compressor of REFUSED) {
    test(compressor, async () => {
      const path = await write(compressor, `mksquashfs - OUT -tar -comp ${compressor}`);
      await assert.rejects(treeOf(path), {
        code: "SQUASHFS_COMPRESSOR",
        message: `squashfs compressor: expected gzip or zstd, got ${compressor}`,
      });
    });
  }
});

/** Runs a writer over the archive, which it reads from its standard input. */
async function write(name: string, command: string): Promise<string> {
  const path = join(directory.path, `${name.replaceAll(" ", "-")}.squashfs`);
  await run("sh", ["-c", `${command.replace("OUT", '"$1"')} < "$2"`, "sh", path, archive]);
  return path;
}

for (const compression of ["gzip", "zstd"] as const) {
  test(`our own ${compression} image is read out of its SIF as unsquashfs reads it`, async (t) => {
    const layers = goldenLayers().map((layer) => ({ tar: layer }));
    const { path, partition, files } = await convertLayers(t, layers, { compression });
    const expected = await unpackedTree(path, partition.offset);
    await using image = await openImageTree(path, DEFAULT_LIMITS, never);
    const tree = await imageTree(image.tree);
    assert.equal(tree.size, files);
    assert.deepEqual(compareTrees(expected, tree, comparableHere()), []);
  });
}
