import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { openFileSource } from "../src/base/index.ts";
import type { Layout } from "../src/image/index.ts";
import { readObject, readSif } from "../src/sif/index.ts";
import { convertLayers, type Converted } from "./fixtures/convert-layers.ts";
import { goldenLayers } from "./fixtures/golden-layers.ts";
import { LAYOUT_PATHS } from "./fixtures/layout-paths.ts";
import { tar } from "./fixtures/tar/index.ts";
import { compareTrees, readTree, unsquash, type Tree } from "./real/index.ts";

const never = new AbortController().signal;

describe("a plain image", () => {
  for (const compression of ["gzip", "zstd"] as const) {
    test(`of ${compression} has the tree of the other layout without what that adds`, async (t) => {
      const layers = goldenLayers().map((bytes) => ({ tar: bytes }));
      const runtime = await convertLayers(t, layers, { compression });
      const plain = await convertLayers(t, layers, { compression, layout: "plain" });
      const tree = await unpacked(plain);
      assert.deepEqual(
        compareTrees(tree, await unpacked(runtime), { addedPaths: LAYOUT_PATHS }),
        [],
      );
      assert.equal(tree.size, plain.files);
      assert.ok(LAYOUT_PATHS.every((path) => !tree.has(path)));
    });
  }

  test("keeps the image's own files where the other layout puts its own", async (t) => {
    const own = tar([
      { path: ".singularity.d/", mode: 0o700, uid: 7 },
      { path: ".singularity.d/runscript", mode: 0o750, data: "mine" },
      { path: "environment", linkname: "elsewhere" },
    ]);
    const tree = await unpacked(await convertLayers(t, [{ tar: own }], { layout: "plain" }));
    assert.deepEqual(
      [...tree.keys()],
      [".", ".singularity.d", ".singularity.d/runscript", "environment"],
    );
    assert.equal(tree.get(".singularity.d/runscript")?.size, 4);
    assert.equal(tree.get("environment")?.target, "elsewhere");
  });

  test("without layers is one empty directory", async (t) => {
    const image = await convertLayers(t, [], { layout: "plain" });
    assert.equal(image.files, 1);
    const tree = await unpacked(image);
    assert.deepEqual([...tree.keys()], ["."]);
    const root = tree.get(".");
    assert.deepEqual([root?.type, root?.mode, root?.mtime], ["directory", 0o755, 0]);
  });

  test("has the objects of the other layout, and only other metadata", async (t) => {
    const plain = await objectsOf(t, "plain");
    const runtime = await objectsOf(t, "runtime");
    const [definition, , config, partition] = runtime;
    assert.deepEqual(plain, [definition, plain[1], config, partition]);
    assert.equal(definition?.content, "bootstrap: docker\n\n");
    assert.equal(config?.content, '{"Cmd":["/bin/app"],"Env":["A=b"],"Labels":{"title":"x"}}');
    const metadata = JSON.parse(plain[1]?.content ?? "") as { data: { attributes: object } };
    assert.deepEqual(Object.keys(metadata.data.attributes), ["labels", "deffile"]);
  });

  test("has the header that runtimes and shells know", async (t) => {
    const { path } = await convertLayers(t, [], { layout: "plain" });
    const head = (await readFile(path)).subarray(0, 64);
    assert.equal(head.toString("latin1", 0, 32), "#!/usr/bin/env run-singularity\n\0");
    // The digest that signatures cover of a header with this launch line and no uuid.
    const covered = Buffer.concat([head.subarray(0, 45), head.subarray(48)]);
    assert.equal(
      createHash("sha256").update(covered).digest("hex"),
      "af9cf3e1f6cbb3530f08af0a25582fb2e54be6da9b9538bb6278aed7b6e2686f",
    );
  });
});

async function unpacked(image: Converted): Promise<Tree> {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-plain-"));
  const directory = join(work.path, "tree");
  await unsquash(image.path, image.partition.offset, directory);
  return await readTree(directory);
}

interface ObjectFacts {
  readonly dataType: number;
  readonly name: string;
  /** Of all but the partition. */
  readonly content?: string;
}

async function objectsOf(t: TestContext, layout: Layout): Promise<readonly ObjectFacts[]> {
  const config = { Cmd: ["/bin/app"], Env: ["A=b"], Labels: { title: "x" } };
  const { path } = await convertLayers(t, [], { layout, config });
  await using file = await openFileSource(path);
  const { descriptors } = await readSif(file, never);
  return await Promise.all(
    descriptors.map(async (descriptor) => {
      const { dataType, name } = descriptor;
      if (dataType === 0x4004) return { dataType, name };
      const bytes = await readObject(file, descriptor, 10_000, never);
      return { dataType, name, content: Buffer.from(bytes).toString() };
    }),
  );
}
