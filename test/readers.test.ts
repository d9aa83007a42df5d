import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { convertLayers, type Converted } from "./fixtures/convert-layers.ts";
import { goldenLayers } from "./fixtures/golden-layers.ts";
import {
  compareTrees,
  cutPartition,
  mayMount,
  readTree,
  run,
  unsquash,
  withKernelMount,
  type Tree,
} from "./real/index.ts";
import { assertAllReaders } from "./squashfs/all-readers.ts";

/**
 * Every independent reader of squashfs that Debian has reads the golden image, which holds every
 * type, boundary and table. No reader alone finds everything that can be wrong.
 */
for (const compression of ["gzip", "zstd"] as const) {
  describe(`readers of a ${compression} image`, () => {
    test("every reader sees the tree that the kernel sees", async (t) => {
      if (!(await mayMount(t))) return;
      const image = await golden(t, compression);
      const mounted = await withKernelMount(image.path, image.partition, readTree);
      await assertAllReaders(image, mounted);
      checkGolden(mounted);
    });

    test("rdsquashfs reads every byte and lists every name, whoever runs it", async (t) => {
      await using work = await mkdtempDisposable(join(tmpdir(), "siflet-readers-"));
      const image = await golden(t, compression);
      const squashfs = join(work.path, "image.squashfs");
      await cutPartition(image.path, image.partition, squashfs);
      const listing = await run("rdsquashfs", ["--describe", squashfs]);
      // The root itself is not listed.
      assert.equal(listing.trim().split("\n").length, image.files - 1);
      const unpacked = join(work.path, "tree");
      await mkdir(unpacked);
      await run("rdsquashfs", ["--unpack-path", "/", "--unpack-root", unpacked, squashfs]);
      const theirs = await readTree(unpacked);
      await unsquash(image.path, image.partition.offset, join(work.path, "reference"));
      const reference = await readTree(join(work.path, "reference"));
      // Without further options it sets no owners, times or attributes, makes no devices and unpacks
      // each name of a hard link by itself.
      const ignoredFacts = ["mode", "uid", "gid", "mtime", "xattrs", "nlink", "firstName"] as const;
      const ignoredPaths = ["odd/null", "odd/disk", "odd/fifo"];
      assert.deepEqual(compareTrees(reference, theirs, { ignoredFacts, ignoredPaths }), []);
    });
  });
}

test("the image tells what it is without being mounted", async (t) => {
  const image = await golden(t, "zstd");
  const about = await run("unsquashfs", ["-s", "-o", String(image.partition.offset), image.path]);
  assert.match(about, /Compression zstd/);
  assert.match(about, /Block size 262144/);
});

async function golden(t: TestContext, compression: "gzip" | "zstd"): Promise<Converted> {
  const layers = goldenLayers().map((tar) => ({ tar }));
  return await convertLayers(t, layers, { compression });
}

/** What the merge of the golden layers must be, beyond two readers agreeing. */
function checkGolden(tree: Tree): void {
  const facts = (path: string): ReturnType<Tree["get"]> => tree.get(path);
  assert.equal(facts("blocks/text-1"), undefined, "a whiteout hides");
  assert.equal(facts("opaque/hidden"), undefined, "an opaque directory hides");
  assert.equal(facts("opaque/shown")?.size, 5);
  assert.equal(facts("lib/library.so")?.size, 200_000, "a link on the way is followed");
  assert.equal(facts("bin/ping")?.nlink, 3, "hard links across layers share an inode");
  assert.equal(facts("bin/ping4")?.firstName, "bin/ping");
  assert.ok(facts("bin/ping")?.xattrs["security.capability"] !== undefined);
  assert.equal(facts("bin/sh")?.mode, 0o755, "the upper file replaces the lower");
  assert.equal(facts("blocks/sparse")?.size, 150_000_000);
  const library = facts("lib/library.so")?.sha256;
  assert.equal(facts("lib/copy-of-library.so")?.sha256, library, "shared blocks are read back");
  assert.equal(facts("lib/copy-of-library.so")?.mode, 0o600, "and nothing else is shared");
  assert.equal(facts("odd")?.mtime, 0, "times before 1970 are clamped");
  assert.equal(facts("many/file-with-a-rather-long-name-699")?.gid, 4_000_000_000);
  assert.equal([...tree.keys()].filter((path) => path.startsWith("many/")).length, 700);
}
