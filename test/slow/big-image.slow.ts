import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findPartition, pullToStore } from "../../src/pull/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { LAYOUT_PATHS } from "../fixtures/layout-paths.ts";
import {
  bigImage,
  compareTrees,
  pushImage,
  readTree,
  recompressImage,
  startDockerRegistry,
  umociUnpack,
  unsquash,
  withKernelMount,
} from "../real/index.ts";

test("Debian, Python and 20,000 files: kernel, unsquashfs and umoci agree", async (t) => {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-big-"));
  await using registry = await startDockerRegistry();
  const image = await bigImage();
  await pushImage(image, `${registry.host}/big:1`);
  const zstd = await recompressImage(image, "zstd", join(work.path, "zstd"));
  await pushImage(zstd, `${registry.host}/zstd:1`, { preserveDigests: true });
  const expected = await readTree(await umociUnpack(image, join(work.path, "bundle")));
  for (const compression of ["gzip", "zstd"] as const) {
    const setup = await setUpPull(t);
    const options = setup.options({ compression });
    const store = await setup.store();
    const reference = `${registry.host}/big:1`;
    const pulled = await pullToStore(store, reference, setup.context, options, never);
    const partition = await findPartition(pulled.path, never);
    assert.ok(partition !== undefined);
    const mounted = await withKernelMount(pulled.path, partition, readTree);
    assert.deepEqual(compareTrees(expected, mounted, { addedPaths: LAYOUT_PATHS }), []);
    const unpacked = join(work.path, `tree-${compression}`);
    await unsquash(pulled.path, partition.offset, unpacked);
    assert.deepEqual(compareTrees(mounted, await readTree(unpacked)), []);
    const other = await setup.store("other");
    const again = await pullToStore(
      other,
      `${registry.host}/zstd:1`,
      setup.context,
      options,
      never,
    );
    assert.equal(again.id, pulled.id, "zstd layers give the same file");
  }
});
