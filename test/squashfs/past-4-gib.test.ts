import assert from "node:assert/strict";
import { mkdtempDisposable, open, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS, openFileSource } from "../../src/base/index.ts";
import { CODECS, RAW_BLOCK } from "../../src/codec/index.ts";
import { openSquashfs, planSquashfs, type BlockSource } from "../../src/squashfs/index.ts";
import { LayerMerge, sortTree } from "../../src/tree/index.ts";
import { compressorOf } from "../fixtures/sample-squashfs.ts";
import { never, record } from "../fixtures/small-squashfs.ts";
import { mayMount, run, withFuseMount, withKernelMount } from "../real/index.ts";
import type { ImageFile } from "./all-readers.ts";

// A file of more than 4 GiB, and one that begins behind it: sizes and positions of 33 bits. The blocks
// of the large one are zeros that are stored all the same, so that the image is a file with a hole.

const SETTINGS = CODECS.gzip;
const BLOCKS = 2 ** 32 / SETTINGS.blockSize + 1;
const LARGE = BLOCKS * SETTINGS.blockSize;
const CONTENT = Buffer.alloc(SETTINGS.blockSize, "past 4 GiB ");

/** Stored blocks of zeros, and a last one. */
const blocks: BlockSource = {
  sizes: new Uint32Array(BLOCKS + 1).fill(SETTINGS.blockSize | RAW_BLOCK),
  checksums: new Uint32Array(BLOCKS + 1),
  fragments: new Uint32Array(0),
  readBlocks(first, count, into) {
    const room = Math.min(count, Math.floor(into.length / SETTINGS.blockSize));
    if (first === BLOCKS) into.set(CONTENT);
    else into.fill(0, 0, room * SETTINGS.blockSize);
    const read = first < BLOCKS ? Math.min(room, BLOCKS - first) : 1;
    return { blocks: read, bytes: read * SETTINGS.blockSize };
  },
};

async function writeImage(path: string): Promise<ImageFile> {
  const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
  const data = (firstBlock: number) => ({ kind: "blocks", firstBlock, runs: undefined }) as const;
  const records = [
    record({ path: "large", size: LARGE, data: data(0) }),
    record({ path: "past", size: CONTENT.length, data: data(BLOCKS) }),
  ];
  merge.apply({ hasWhiteouts: false, records: () => records });
  const image = planSquashfs({
    tree: sortTree(merge.tree),
    layers: [blocks],
    settings: SETTINGS,
    compress: compressorOf("gzip"),
    rootOwns: false,
    limits: DEFAULT_LIMITS,
  });
  await using file = await open(path, "w");
  const zeros = Buffer.alloc(2 ** 20);
  let position = 0;
  for (const chunk of image.chunks()) {
    const isHole = zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0;
    if (!isHole) await file.write(chunk, 0, chunk.length, position);
    position += chunk.length;
  }
  await file.truncate(image.size);
  assert.equal(position, image.size);
  return { path, partition: { offset: 0, size: image.size } };
}

describe("a file of more than 4 GiB and one behind it", () => {
  test("are read by everyone", async (t) => {
    if (!(await mayMount(t))) return;
    await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-4-gib-"));
    const image = await writeImage(join(directory.path, "image.squashfs"));
    const look = async (root: string): Promise<void> => {
      assert.equal((await stat(join(root, "large"))).size, LARGE);
      assert.ok((await readFile(join(root, "past"))).equals(CONTENT));
      await using large = await open(join(root, "large"), "r");
      const { bytesRead } = await large.read(Buffer.alloc(100), 0, 100, LARGE - 60);
      assert.equal(bytesRead, 60);
    };
    await withKernelMount(image.path, image.partition, look);
    await withFuseMount(image.path, image.partition, look);
    const options = ["-quiet", "-no-progress", "-dest", join(directory.path, "unpacked")];
    await run("unsquashfs", [...options, image.path, "past"]);
    assert.ok((await readFile(join(directory.path, "unpacked", "past"))).equals(CONTENT));
    assert.equal(await run("rdsquashfs", ["--cat", "/past", image.path]), CONTENT.toString());
  });

  test("are read by our own reader", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-4-gib-"));
    const { path } = await writeImage(join(directory.path, "image.squashfs"));
    await using source = await openFileSource(path);
    const reader = await openSquashfs(source, { limits: DEFAULT_LIMITS }, never);
    const chunks = await Array.fromAsync(reader.read("past", {}, never));
    assert.ok(Buffer.concat(chunks).equals(CONTENT));
    const { inode } = await reader.stat("large", { follow: false }, never);
    assert.equal(inode.kind === "file" ? inode.size : 0, LARGE);
    const ends = await Array.fromAsync(reader.read("large", { start: LARGE - 60 }, never));
    assert.ok(Buffer.concat(ends).equals(Buffer.alloc(60)));
  });
});
