import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test, type TestContext } from "node:test";
import { pullToStore, type PullOptions } from "../../src/pull/index.ts";
import { infoOf, type Store, type StoredImage } from "../../src/store/index.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
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
  readonly image: FixtureImage;
  readonly pullFrom: (registry: FakeRegistry, name: string) => Promise<StoredImage>;
  readonly warnings: () => readonly string[];
}

async function setUp(t: TestContext): Promise<Setup> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  const layers = [tar([{ path: "f", data: "content" }])];
  const image = makeImage({ layers, config: { Cmd: ["run"] } });
  registry.putImage("app", image, "1");
  registry.putImage("copy", image, "1");
  const setup = await setUpPull(t);
  const site = await setup.store("site");
  const own = await setup.store("own");
  const name = `${registry.host}/app:1`;
  const theirs = await pullToStore(site, name, setup.context, setup.options(), never);
  const context = { ...setup.context, otherStores: [site] };
  const pullFrom: Setup["pullFrom"] = async ({ host }, name) =>
    await pullToStore(own, `${host}/${name}`, context, setup.options(), never);
  return {
    ...setup,
    registry,
    image,
    pullFrom,
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
  assert.equal(warnings().length, 1, "and told once");
});

test("one whose file is gone is told and pulled", async (t) => {
  const { theirs, pull, warnings } = await setUp(t);
  await rm(theirs.path);
  assert.equal((await pull("app:1")).image.id, theirs.id);
  assert.match(warnings().join("\n"), /cannot be copied/);
  assert.equal(warnings().length, 1, "and told once");
});

test("a store that cannot be asked is told once", async (t) => {
  const { site, pull, warnings } = await setUp(t);
  using database = new DatabaseSync(join(site.directory, "siflet.db"));
  database.exec("UPDATE image SET source = 'nonsense'");
  assert.ok((await pull("app:1")).fetched > 0);
  assert.equal(warnings().length, 1, warnings().join("\n"));
  assert.match(warnings()[0] ?? "", /cannot be asked/);
});

for (const lacking of [
  "DROP TABLE manifest",
  "DROP TABLE name",
  "DROP TABLE image",
  "ALTER TABLE image DROP COLUMN owners",
]) {
  test(`a store that cannot be asked after ${lacking} is told once`, async (t) => {
    const { site, pull, warnings } = await setUp(t);
    using database = new DatabaseSync(join(site.directory, "siflet.db"));
    database.exec(`PRAGMA foreign_keys = OFF; ${lacking}`);
    assert.ok((await pull("app:1")).fetched > 0);
    assert.equal(warnings().length, 1, warnings().join("\n"));
    assert.match(warnings()[0] ?? "", /cannot be asked: /);
  });
}

test("the configuration is read out of the image, whatever the other store's database says", async (t) => {
  const { site, pull } = await setUp(t);
  using database = new DatabaseSync(join(site.directory, "siflet.db"));
  database.exec("UPDATE image SET oci_config = 'nonsense'");
  const { image, fetched } = await pull("app:1");
  assert.equal(fetched, 0);
  assert.deepEqual(infoOf(image).ociConfig, { Cmd: ["run"] });
});

describe("knowing a diffID is not permission to have another store's image", () => {
  test("a registry that claims it and delivers nothing gets nothing", async (t) => {
    const { own, events, image, pullFrom } = await setUp(t);
    await using hostile = await startRegistry();
    hostile.putImage("evil/app", image, "1");
    for (const { digest } of image.layers) {
      hostile.addFault(`/v2/evil/app/blobs/${digest}`, { method: "GET", status: 404 });
    }
    await assert.rejects(pullFrom(hostile, "evil/app:1"), { code: "NOT_FOUND" });
    assert.deepEqual(await own.list(), []);
    assert.ok(!events.some(({ kind }) => kind === "present"));
  });

  test("who delivers it gets it without a conversion", async (t) => {
    const { theirs, events, image, pullFrom } = await setUp(t);
    await using other = await startRegistry();
    other.putImage("mirror/app", image, "1");
    const before = events.length;
    assert.equal((await pullFrom(other, "mirror/app:1")).id, theirs.id);
    assert.ok(!events.slice(before).some(({ kind }) => kind === "written"));
    assert.deepEqual(blobGets(other), [image.config.digest, image.layers[0]?.digest]);
  });

  test("a repository of the same host is asked for every blob", async (t) => {
    const { registry, theirs, image, pullFrom } = await setUp(t);
    const [layer] = image.layers;
    const blob = `/v2/copy/blobs/${layer?.digest ?? ""}`;
    const before = registry.requests.length;
    assert.equal((await pullFrom(registry, "copy:1")).id, theirs.id);
    const asked = registry.requests.slice(before).filter(({ path }) => path === blob);
    assert.deepEqual(
      asked.map(({ method }) => method),
      ["HEAD"],
    );
  });

  test("and where it refuses one, the image is not given", async (t) => {
    const { registry, own, image, pullFrom } = await setUp(t);
    for (const { digest } of image.layers) {
      registry.addFault(`/v2/copy/blobs/${digest}`, { status: 404 });
    }
    await assert.rejects(pullFrom(registry, "copy:1"), { code: "NOT_FOUND" });
    assert.deepEqual(await own.list(), []);
  });

  test("a manifest that another store knows is asked for, also by its digest", async (t) => {
    const { registry, own, image, pullFrom } = await setUp(t);
    const { digest } = image.manifest;
    registry.addFault(`/v2/app/manifests/${digest}`, { status: 404 });
    await assert.rejects(pullFrom(registry, `app@${digest}`), { code: "NOT_FOUND" });
    assert.deepEqual(await own.list(), []);
  });
});

function blobGets(registry: FakeRegistry): readonly (string | undefined)[] {
  const paths = registry.paths("GET").filter((path) => path.includes("/blobs/"));
  return paths.map((path) => path.split("/").at(-1));
}
