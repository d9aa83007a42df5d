import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { pullToStore, type PullOptions } from "../../src/pull/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

interface Setup extends PullSetup {
  readonly registry: FakeRegistry;
  readonly site: Store;
  readonly own: Store;
  /** The image in the site's store. */
  readonly theirs: StoredImage;
  /** Pulls into our own store; answers the image and how many documents and blobs were fetched. */
  readonly pull: (
    tag: string,
    wish?: Partial<PullOptions>,
  ) => Promise<{ image: StoredImage; fetched: number }>;
  readonly warnings: () => readonly string[];
}

async function setUp(t: TestContext): Promise<Setup> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  const image = makeImage({ layers: [tar([{ path: "f", data: "content" }])] });
  registry.putImage("app", image, "1");
  registry.putImage("copy", image, "1");
  const setup = await setUpPull(t);
  const site = await setup.store("site");
  const own = await setup.store("own");
  const name = `${registry.host}/app:1`;
  const theirs = await pullToStore(site, name, setup.context, setup.options(), never);
  const context = { ...setup.context, otherStores: [site] };
  return {
    ...setup,
    registry,
    site,
    own,
    theirs,
    pull: async (tag, wish) => {
      const before = registry.paths("GET").length;
      const reference = `${registry.host}/${tag}`;
      const pulled = await pullToStore(own, reference, context, setup.options(wish), never);
      return { image: pulled, fetched: registry.paths("GET").length - before };
    },
    warnings: () =>
      setup.events.flatMap((event) => (event.kind === "warning" ? [event.message] : [])),
  };
}

test("an image of another store is copied under our name, and known from then on", async (t) => {
  const { registry, own, site, theirs, pull } = await setUp(t);
  await site.borrow(theirs.id, [], "somebody");
  await site.setPinned(theirs.id, true);
  const first = await pull("app:1");
  assert.equal(first.fetched, 0);
  const { image } = first;
  assert.equal(image.id, theirs.id);
  assert.notEqual(image.path, theirs.path);
  assert.deepEqual(await readFile(image.path), await readFile(theirs.path));
  assert.deepEqual(image.names.tags, [`${registry.host}/app:1`]);
  assert.deepEqual(image.borrowers, []);
  assert.equal(image.pinned, false);
  assert.equal(image.contentKey, theirs.contentKey);
  assert.equal((await pull("app:1")).image.path, image.path);
  assert.equal((await own.list()).length, 1);
});

test("the same content under a name that the other store does not know costs its documents alone", async (t) => {
  const { theirs, pull } = await setUp(t);
  const { image, fetched } = await pull("copy:1");
  assert.equal(image.id, theirs.id);
  assert.equal(fetched, 2);
});

test("an image of another profile than was asked for is not taken", async (t) => {
  const { theirs, pull } = await setUp(t);
  const { image, fetched } = await pull("app:1", { compression: "zstd" });
  assert.notEqual(image.id, theirs.id);
  assert.ok(fetched > 0);
});

test("a damaged one is told and pulled", async (t) => {
  const { theirs, pull, warnings } = await setUp(t);
  const bytes = await readFile(theirs.path);
  bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
  await writeFile(theirs.path, bytes);
  const { image } = await pull("app:1");
  assert.equal(image.id, theirs.id);
  assert.match(warnings().join("\n"), /is damaged: expected sha256/);
});

test("one whose file is gone is told and pulled", async (t) => {
  const { theirs, pull, warnings } = await setUp(t);
  await rm(theirs.path);
  assert.equal((await pull("app:1")).image.id, theirs.id);
  assert.match(warnings().join("\n"), /cannot be copied/);
});
