import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CODECS } from "../../src/codec/index.ts";
import type { Compression } from "../../src/image/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { convertSmall } from "../fixtures/convert-small.ts";
import { file, fifo, LayerTree, symlink } from "../fixtures/layer-tree.ts";
import { LAYOUT_PATHS } from "../fixtures/layout-paths.ts";
import { directoryLayer, inodeLayer, ownerLayer } from "../fixtures/limit-layers.ts";
import { tar } from "../fixtures/tar/index.ts";
import { cutPartition, mayMount, run, withFuseMount, withKernelMount } from "../real/index.ts";
import { assertAllReaders, imageBytes } from "./all-readers.ts";
import { lintImage } from "./lint/lint-image.ts";
import { rawImage, type RawImage } from "./lint/raw-image.ts";

// Images at the limits of squashfs, read back by everyone who can; one more is refused.

const MOST_OWNERS = 65_535;

for (const compression of ["gzip", "zstd"] as const) {
  describe(`images at the limits of squashfs, ${compression}`, () => {
    const layers = {
      "inodes of both forms, files around blocks, holes, attributes, names and times": inodeLayer(
        CODECS[compression].blockSize,
      ),
      "directories of one header and of many, with an index and without": directoryLayer(),
    };
    for (const [name, layer] of Object.entries(layers)) {
      test(name, async (t) => {
        if (!(await mayMount(t))) return;
        const image = await convertLayers(t, [{ tar: tar(layer.items) }], { compression });
        await assertAllReaders(image, layer.tree, { addedPaths: LAYOUT_PATHS });
      });
    }

    test("they are at the limits", async (t) => {
      const convert = async (layer: LayerTree): Promise<RawImage> => {
        const layers = [{ tar: tar(layer.items) }];
        return rawImage(await imageBytes(await convertLayers(t, layers, { compression })));
      };
      const [inodes, directories] = await Promise.all(Object.values(layers).map(convert));
      const types = new Set(inodes?.inodes.map(({ type }) => type));
      // Of every kind but sockets, which no archive holds, the short form and the long one.
      const expected = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13];
      assert.deepEqual(
        [...types].sort((a, b) => a - b),
        expected,
      );
      assert.ok((inodes?.xattrSets.length ?? 0) > 512, "attribute sets of two blocks");
      const listings = directories?.inodes.flatMap(({ directory }) => directory ?? []) ?? [];
      assert.ok(
        listings.some(({ size }) => size > 0xffff),
        "a listing over 64 KiB",
      );
      // One byte past the first 8 KiB is a run with a header of its own.
      const slices = [8192 + 3, 8193 + 12 + 3].map((size) =>
        listings.find((it) => it.size === size),
      );
      assert.deepEqual(
        slices.map((it) => it?.index.length),
        [0, 1],
      );
    });

    test(`${MOST_OWNERS} owners`, async (t) => {
      if (!(await mayMount(t))) return;
      const layer = ownerLayer(MOST_OWNERS);
      const { path, partition } = await convertLayers(t, [{ tar: tar(layer.items) }], {
        compression,
      });
      const expected = [...layer.tree]
        .filter(([name]) => name.startsWith("owners/"))
        .map(([name, { uid, gid }]) => `${name.slice("owners/".length)} ${uid} ${gid}`)
        .sort();
      assert.equal(expected.length, (MOST_OWNERS - 1) / 2);
      const find = async (root: string): Promise<string[]> =>
        linesOf(await run("find", [join(root, "owners"), "-type", "p", "-printf", "%P %U %G\\n"]));
      assert.deepEqual(await withKernelMount(path, partition, find), expected, "the kernel");
      assert.deepEqual(await withFuseMount(path, partition, find), expected, "squashfuse");
      const offset = ["-o", String(partition.offset)];
      const listed = await run("unsquashfs", [...offset, "-lln", "-d", "", path, "owners"]);
      const owners = Array.from(
        listed.matchAll(/^p\S+ (\d+)\/(\d+) .* \/owners\/(\d+)$/gm),
        ([, uid = "", gid = "", name = ""]) => `${name} ${uid} ${gid}`,
      );
      assert.deepEqual(owners.sort(), expected, "unsquashfs");
      await using work = await mkdtempDisposable(join(tmpdir(), "siflet-owners-"));
      const squashfs = join(work.path, "image.squashfs");
      await cutPartition(path, partition, squashfs);
      const described = await run("rdsquashfs", ["--describe", squashfs]);
      const theirs = Array.from(
        described.matchAll(/^pipe \/?owners\/(\d+) \d+ (\d+) (\d+)$/gm),
        ([, name = "", uid = "", gid = ""]) => `${name} ${uid} ${gid}`,
      );
      assert.deepEqual(theirs.sort(), expected, "rdsquashfs");
      const bytes = await imageBytes({ path, partition });
      assert.equal(rawImage(bytes).ids.length, MOST_OWNERS);
      assert.deepEqual(lintImage(bytes), []);
    });

    const few: Record<string, LayerTree> = {
      "an empty image": new LayerTree(),
      "an image of one empty file": new LayerTree().add("f", file(Buffer.alloc(0))),
      "an image of one file": new LayerTree().add("f", file(Buffer.from("content"))),
    };
    for (const [name, layer] of Object.entries(few)) {
      test(name, async (t) => {
        if (!(await mayMount(t))) return;
        await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-few-"));
        const path = join(directory.path, "image.squashfs");
        const bytes = await convertSmall([tar(layer.items)], compression);
        await writeFile(path, bytes);
        const image = { path, partition: { offset: 0, size: bytes.length } };
        await assertAllReaders(image, layer.tree);
      });
    }
  });
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

describe("one more than squashfs holds, or Linux reads, is refused", () => {
  const rows: readonly (readonly [name: string, layer: LayerTree, code: string])[] = [
    ["65,536 owners", ownerLayer(MOST_OWNERS + 1), "LIMIT_IDS"],
    ["a name of 256 bytes", new LayerTree().add("n".repeat(256), fifo()), "TAR_PATH"],
    [
      "a link target of 4,096 bytes",
      new LayerTree().add("l", symlink("t".repeat(4096))),
      "LIMIT_LINK_TARGET_BYTES",
    ],
    [
      "an attribute name of 256 bytes",
      new LayerTree().add("f", fifo(), { xattrs: { [`trusted.${"n".repeat(248)}`]: "" } }),
      "TAR_PAX",
    ],
    ["user 4,294,967,295", new LayerTree().add("f", fifo(), { uid: 2 ** 32 - 1 }), "TAR_ID"],
  ];
  for (const [name, layer, code] of rows) {
    for (const compression of ["gzip", "zstd"] satisfies Compression[]) {
      test(`${name}, ${compression}`, async (t) => {
        const converted = convertLayers(t, [{ tar: tar(layer.items) }], { compression });
        await assert.rejects(converted, { code });
      });
    }
  }
});
