import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { KnownCodecs, type Compression } from "../../src/image/index.ts";
import {
  openImageTree,
  pullToFile,
  pullToStore,
  type PullContext,
  type PullOptions,
} from "../../src/pull/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { imageTree } from "../fixtures/image-tree.ts";
import { OTHER_COMPRESSORS } from "../fixtures/other-compressors.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { compareTrees, textBytes, type Tree } from "../real/index.ts";

// A machine whose libraries compress otherwise makes images all the same, under a name of their own.

const base = tar([{ path: "base", data: textBytes("base", 400_000) }]);
const top = (n: number): Uint8Array => tar([{ path: "top", data: textBytes(`top ${n}`, 900) }]);
const MISMATCHED = { gzip: /^gzip\/1\+[0-9a-f]{16}$/, zstd: /^zstd\/1\+[0-9a-f]{16}$/ } as const;

describe("a machine whose codec makes other bytes", () => {
  for (const compression of ["gzip", "zstd"] as const) {
    test(`makes an image of ${compression} under a name of its own, and warns`, async (t) => {
      const { setup, here, elsewhere } = await setUp(t);
      const right = await elsewhere("app:1", { compression });
      const seen = setup.events.length;
      const image = await here("app:1", { compression, store: await setup.store("here") });
      assert.match(image.profile?.codec ?? "", MISMATCHED[compression]);
      assert.deepEqual(
        { ...image.profile, codec: "" },
        { codec: "", compression, owners: "image", layout: "layout/1" },
      );
      assert.notEqual(image.id, right.id);
      assert.deepEqual(warningsIn(setup.events.slice(seen)), [
        `${image.names.tags[0] ?? ""}: converted as ${image.profile?.codec ?? ""}, for ` +
          `${compression} makes other bytes here than ${compression}/1 stands for; ` +
          "other machines will give it another id",
      ]);
      assert.deepEqual(compareTrees(await treeOf(right), await treeOf(image)), []);
    });
  }

  test("makes the same image again, and gives who names a compressor no other", async (t) => {
    const { store, here } = await setUp(t);
    const first = await here("app:1", {});
    assert.equal((await here("app:1", {})).id, first.id, "what names nothing takes what is there");
    const again = await here("app:1", { compression: "gzip" });
    assert.equal(again.id, first.id);
    assert.deepEqual(again.profile, first.profile);
    assert.deepEqual(
      (await store.list()).map(({ id }) => id),
      [first.id],
    );
  });

  test("is known for it in all pulls of a process, and one with the right codec for its own", async (t) => {
    const codecs = new KnownCodecs();
    const { setup, here, elsewhere, packs } = await setUp(t, { codecs });
    const [first, second] = [await here("app:1", {}), await here("app:2", {})];
    assert.match(second.profile?.codec ?? "", MISMATCHED.gzip);
    assert.equal(second.profile?.codec, first.profile?.codec);
    assert.equal(warningsIn(setup.events).length, 2);
    assert.deepEqual(await packs(), []);
    const right = await setup.store("right");
    for (const name of ["app:1", "app:2"]) {
      assert.equal((await elsewhere(name, { store: right })).profile?.codec, "gzip/1");
    }
    assert.equal((await packs()).length, 3);
    assert.equal(codecs.idOf("gzip", OTHER_COMPRESSORS), first.profile?.codec);
  });

  test("says what it made of a pull to a file", async (t) => {
    const { registry, setup, other } = await setUp(t);
    const path = join(setup.directory, "app.sif");
    const options = { ...setup.options(), force: false };
    const reference = `${registry.host}/app:1`;
    const file = await pullToFile(setup.directory, () => path, reference, other, options, never);
    assert.match(file.profile?.codec ?? "", MISMATCHED.gzip);
    assert.equal(warningsIn(setup.events).length, 1);
  });
});

describe("what another codec made is not shared", () => {
  test("its packs are not kept, so a right pull afterwards is right", async (t) => {
    const { registry, here, elsewhere, packs } = await setUp(t);
    await here("app:1", {});
    assert.deepEqual(await packs(), []);
    const asked = registry.requests.length;
    const second = await elsewhere("app:2", {});
    assert.equal(second.profile?.codec, "gzip/1");
    const [shared] = imageOf(2).layers;
    assert.ok(
      registry.requests.slice(asked).some(({ path }) => path.endsWith(shared?.digest ?? "-")),
      "the layer that both have is fetched and converted again",
    );
    const clean = await setUp(t);
    assert.equal(second.id, (await clean.elsewhere("app:2", {})).id);
    assert.deepEqual(warningsIn(clean.setup.events), []);
    assert.equal((await packs()).length, 2);
  });

  test("nor does it use the packs of a right one", async (t) => {
    const { here, elsewhere, packs } = await setUp(t);
    await elsewhere("app:1", {});
    const kept = await packs();
    assert.equal(kept.length, 2);
    const second = await here("app:2", {});
    const clean = await setUp(t);
    assert.equal(second.id, (await clean.here("app:2", {})).id);
    assert.deepEqual(await packs(), kept);
  });

  test("a later pull that names a compressor makes the right image, and moves the name", async (t) => {
    const { store, here, elsewhere } = await setUp(t);
    const wrong = await here("app:1", {});
    assert.equal((await elsewhere("app:1", {})).id, wrong.id, "an id never changes by itself");
    const right = await elsewhere("app:1", { compression: "gzip" });
    assert.equal(right.profile?.codec, "gzip/1");
    assert.notEqual(right.id, wrong.id);
    assert.deepEqual(right.names.tags, wrong.names.tags);
    assert.deepEqual((await store.findById(wrong.id))?.names.tags, []);
    assert.equal((await here("app:1", { compression: "gzip" })).id, right.id);
    const clean = await setUp(t);
    assert.equal(right.id, (await clean.elsewhere("app:1", {})).id);
  });
});

function warningsIn(events: PullSetup["events"]): readonly string[] {
  return events.flatMap((event) => (event.kind === "warning" ? [event.message] : []));
}

async function treeOf({ path }: StoredImage): Promise<Tree> {
  await using opened = await openImageTree(path, DEFAULT_LIMITS, never);
  return await imageTree(opened.tree);
}

function imageOf(n: number): ReturnType<typeof makeImage> {
  return makeImage({ layers: [base, top(n)] });
}

interface Wish {
  readonly compression?: Compression;
  readonly store?: Store;
}

interface SetUp {
  readonly registry: FakeRegistry;
  readonly setup: PullSetup;
  /** What both machines pull into. */
  readonly store: Store;
  /** Of the machine with the other codec. */
  readonly other: PullContext;
  readonly here: (name: string, wish: Wish) => Promise<StoredImage>;
  /** Pulls on a machine with the right codec; store and cache are the same. */
  readonly elsewhere: (name: string, wish: Wish) => Promise<StoredImage>;
  /** Packs in the cache, as `CODEC/NAME`. */
  readonly packs: () => Promise<readonly string[]>;
}

async function setUp(t: TestContext, known: Pick<PullContext, "codecs"> = {}): Promise<SetUp> {
  const registry = await startRegistry();
  t.after(async () => {
    await registry.close();
  });
  for (const n of [1, 2]) registry.putImage("app", imageOf(n), `${n}`);
  const setup = await setUpPull(t);
  const shared = await setup.store();
  const cache: PullOptions["cache"] = {
    directory: join(setup.directory, "packs"),
    maxBytes: 2 ** 30,
  };
  const pullWith =
    (context: PullContext): SetUp["here"] =>
    async (name, { store = shared, ...wish }) => {
      const options = setup.options({ cache, ...wish });
      return await pullToStore(store, `${registry.host}/${name}`, context, options, never);
    };
  const context = { ...setup.context, ...known };
  const other = { ...context, compressors: OTHER_COMPRESSORS };
  return {
    registry,
    setup,
    store: shared,
    other,
    here: pullWith(other),
    elsewhere: pullWith(context),
    packs: async () => {
      const names = await readdir(cache.directory, { recursive: true });
      return names.filter((name) => name.includes("/")).sort();
    },
  };
}
