import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test, type TestContext } from "node:test";
import type { Layout } from "../../src/image/index.ts";
import { findPartition, pullToStore, type PartitionPlace } from "../../src/pull/index.ts";
import { LAYOUT_PATHS } from "../fixtures/layout-paths.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import {
  comparableHere,
  compareTrees,
  mayMount,
  pushImage,
  readTree,
  recompressImage,
  run,
  smallImage,
  startDockerRegistry,
  umociUnpack,
  unsquash,
  withKernelMount,
  type Tree,
} from "../real/index.ts";

const SIFLET = resolve(import.meta.dirname, "../../siflet");

/**
 * umoci 0.4.7 leaves out an attribute with an empty value and the content of a file without any
 * permission; the layer has both, and so have we.
 */
const BEYOND_UMOCI = ["srv/attributes/several", "srv/owners/no-rights"];

/** Layouts with the paths that each adds. */
const LAYOUTS = [
  ["runtime", LAYOUT_PATHS],
  ["plain", []],
] as const;

describe("an image of a real registry", () => {
  for (const [layout, addedPaths] of LAYOUTS) {
    test(`is the tree that umoci unpacks, ${layout}, read by the kernel`, async (t) => {
      if (!(await mayMount(t))) return;
      const { path, partition, expected } = await pullSmall(t, layout);
      const tree = await withKernelMount(path, partition, readTree);
      assert.deepEqual(differences(expected, tree, addedPaths), []);
      assert.equal(tree.get("etc/hosts")?.size, expected.get("etc/hosts")?.size, "not emptied");
    });

    test(`is the tree that umoci unpacks, ${layout}, read by unsquashfs`, async (t) => {
      await using work = await mkdtempDisposable(join(tmpdir(), "siflet-unsquash-"));
      const { path, partition, expected } = await pullSmall(t, layout);
      await unsquash(path, partition.offset, join(work.path, "tree"));
      const tree = await readTree(join(work.path, "tree"));
      assert.deepEqual(differences(expected, tree, addedPaths), []);
    });
  }

  test("has one id, however its layers, manifest, name and store differ", async (t) => {
    await using work = await mkdtempDisposable(join(tmpdir(), "siflet-forms-"));
    await using registry = await startDockerRegistry();
    const image = await smallImage();
    const zstd = await recompressImage(image, "zstd", join(work.path, "zstd"));
    const plain = await recompressImage(image, "plain", join(work.path, "plain"));
    await pushImage(image, `${registry.host}/real/small:1`);
    await pushImage(image, `${registry.host}/other/place:2`, { format: "v2s2" });
    await pushImage(zstd, `${registry.host}/real/zstd:1`, { preserveDigests: true });
    await pushImage(plain, `${registry.host}/real/plain:1`, { preserveDigests: true });
    const forms = [
      { name: "real/small:1", wish: {}, year: 2026 },
      { name: "real/small:1", wish: { jobs: 1 }, year: 1999 },
      { name: "other/place:2", wish: { jobs: 4 }, year: 2040 },
      { name: "real/zstd:1", wish: {}, year: 2026 },
      { name: "real/plain:1", wish: {}, year: 2026 },
    ];
    const ids = new Set<string>();
    for (const [index, { name, wish, year }] of forms.entries()) {
      const setup = await setUpPull(t, { now: () => Date.UTC(year, 0) });
      const store = await setup.store(`store-${index}`);
      const reference = `${registry.host}/${name}`;
      const options = setup.options(wish);
      ids.add((await pullToStore(store, reference, setup.context, options, never)).id);
    }
    assert.equal(ids.size, 1);

    // The command as users run it, in another time zone and with an umask that hides nothing.
    const script = 'umask 0; exec "$1" pull "$2" --store "$3" --json --quiet';
    const args = ["-c", script, "sh", SIFLET, `${registry.host}/real/zstd:1`];
    const store = join(work.path, "store");
    const env = { ...process.env, TZ: "Pacific/Chatham", LC_ALL: "tr_TR.UTF-8" };
    const line = await run("sh", [...args, store], { env });
    assert.match(line, /^\{"id":"[0-9a-f]{64}".*\}\n$/);
    const [id = ""] = ids;
    assert.equal(line.slice(7, 71), id);
    const modes = ["", "images", "tmp", "siflet.db", `images/${id}.sif`].map(
      (name) => statSync(join(store, name)).mode & 0o777,
    );
    assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o600, 0o644]);
  });
});

interface Pulled {
  readonly path: string;
  readonly partition: PartitionPlace;
  readonly expected: Tree;
}

async function pullSmall(t: TestContext, layout: Layout): Promise<Pulled> {
  const work = await mkdtempDisposable(join(tmpdir(), "siflet-umoci-"));
  t.after(async () => {
    await work.remove();
  });
  const image = await smallImage();
  const expected = await readTree(await umociUnpack(image, join(work.path, "bundle")));
  await using registry = await startDockerRegistry();
  await pushImage(image, `${registry.host}/small:1`);
  const setup = await setUpPull(t);
  const store = await setup.store();
  const reference = `${registry.host}/small:1`;
  const options = setup.options({ layout });
  const { path } = await pullToStore(store, reference, setup.context, options, never);
  const partition = await findPartition(path, never);
  assert.ok(partition !== undefined);
  return { path, partition, expected };
}

function differences(
  expected: Tree,
  actual: Tree,
  addedPaths: readonly string[],
): readonly string[] {
  return compareTrees(expected, actual, {
    ...comparableHere(),
    addedPaths,
    ignoredPaths: BEYOND_UMOCI,
  });
}
