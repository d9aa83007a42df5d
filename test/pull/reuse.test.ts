import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test, type TestContext } from "node:test";
import {
  contentKey,
  parseImageConfig,
  type Profile,
  type ProfileChoice,
  type ProfileWish,
} from "../../src/image/index.ts";
import { pullToStore } from "../../src/pull/index.ts";
import type { Names, Store, StoredImage } from "../../src/store/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { ImageMaker } from "../fixtures/store/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const image = makeImage({ layers: [tar([{ path: "f", data: "content" }])] });
const CONTENT = contentKey(parseImageConfig(image.configBytes, "the image"));

/** As an older siflet would have left it. */
const OLDER: Profile = {
  codec: "gzip/0",
  compression: "gzip",
  owners: "image",
  layout: "layout/0",
};
const OLDER_PLAIN: Profile = { ...OLDER, codec: "zstd/0", compression: "zstd", layout: "plain/0" };
/** Of a machine whose codec makes other bytes. */
const MISMATCHED: Profile = {
  codec: "zstd/1+0123456789abcdef",
  compression: "zstd",
  owners: "image",
  layout: "layout/1",
};

describe("an image that is stored already is taken", () => {
  const rows: readonly (readonly [Profile, ProfileWish, Partial<ProfileChoice>?])[] = [
    [OLDER, {}],
    [OLDER, {}, { compression: "zstd", owners: "root", layout: "plain" }],
    [OLDER, { layout: "runtime" }],
    [OLDER, { compression: "gzip" }, { layout: "plain" }],
    [OLDER, { owners: "image" }],
    [OLDER, { compression: "gzip", owners: "image", layout: "runtime" }],
    [OLDER_PLAIN, {}],
    [OLDER_PLAIN, { layout: "plain" }],
    [OLDER_PLAIN, { compression: "zstd" }],
    [MISMATCHED, {}],
  ];
  for (const [profile, wish, configured = {}] of rows) {
    const name = `${nameOf(profile)} by ${wishText(wish)}, configured ${wishText(configured)}`;
    test(name, async (t) => {
      const { registry, store, pull, seed } = await setUp(t, configured);
      const { tag } = namesIn(registry);
      const old = await seed("old", profile, { tags: [tag], digests: [] });
      const bytes = await readFile(old.path);
      const first = await pull("1", wish);
      assert.equal(first.id, old.id);
      assert.deepEqual(first.profile, profile);
      // Now that the repository is known for it, nothing is even fetched.
      const asked = registry.requests.length;
      assert.equal((await pull("1", wish)).id, old.id);
      assert.deepEqual(
        registry.requests.slice(asked).map(({ method }) => method),
        ["HEAD"],
      );
      assert.deepEqual(await idsIn(store), [old.id]);
      assert.deepEqual(await readFile(old.path), bytes);
    });
  }
});

describe("an image that is stored is not what was asked for", () => {
  const usual: Profile = {
    codec: "gzip/1",
    compression: "gzip",
    owners: "image",
    layout: "layout/1",
  };
  const zstd: Profile = { ...usual, codec: "zstd/1", compression: "zstd" };
  const rows: readonly (readonly [Profile, ProfileWish, Partial<ProfileChoice>, Profile])[] = [
    [OLDER, { layout: "plain" }, {}, { ...usual, layout: "plain/1" }],
    [OLDER, { compression: "zstd" }, {}, zstd],
    [OLDER, { owners: "root" }, { compression: "zstd" }, { ...zstd, owners: "root" }],
    [OLDER, { compression: "gzip", layout: "plain" }, {}, { ...usual, layout: "plain/1" }],
    [OLDER_PLAIN, { layout: "runtime" }, {}, usual],
    [OLDER_PLAIN, { compression: "gzip" }, { layout: "plain" }, { ...usual, layout: "plain/1" }],
    [MISMATCHED, { compression: "zstd" }, {}, zstd],
    [MISMATCHED, { layout: "runtime" }, {}, usual],
    [MISMATCHED, { owners: "image" }, { compression: "zstd" }, zstd],
  ];
  for (const [profile, wish, configured, made] of rows) {
    const name = `${nameOf(profile)} by ${wishText(wish)}, configured ${wishText(configured)}`;
    test(`${name}: ${nameOf(made)} is made, and the name moves`, async (t) => {
      const { registry, store, pull, seed } = await setUp(t, configured);
      const { tag, other } = namesIn(registry);
      const old = await seed("old", profile, { tags: [tag, other], digests: [] });
      const fresh = await pull("1", wish);
      assert.deepEqual(fresh.profile, made);
      assert.deepEqual(fresh.names.tags, [tag]);
      const kept = await store.findById(old.id);
      assert.deepEqual(kept?.names.tags, [other]);
      assert.equal(await readFile(old.path, "utf8"), "old");
      // What was asked for once stays what the name means, also where the other was used since.
      await store.borrow(old.id, [], "somebody");
      assert.equal((await pull("1", {})).id, fresh.id);
      assert.equal((await pull("1", wish)).id, fresh.id);
      assert.equal((await idsIn(store)).length, 2);
    });
  }
});

describe("of several images that will do", () => {
  test("the one that has the name is taken, though others were used since", async (t) => {
    const { registry, pull, seed } = await setUp(t);
    const { tag, other } = namesIn(registry);
    const named = await seed("named", MISMATCHED, { tags: [tag], digests: [] });
    await seed("later", OLDER, { tags: [other], digests: [] });
    const { id } = await pull("1", {});
    assert.equal(id, named.id);
  });

  test("the one that has the digest is taken, where no tag is asked for", async (t) => {
    const { registry, pull, seed } = await setUp(t);
    const { tag, digest } = namesIn(registry);
    const named = await seed("named", OLDER, { tags: [], digests: [digest] });
    await seed("later", OLDER_PLAIN, { tags: [tag], digests: [] });
    const { id } = await pull(`@${image.manifest.digest}`, {});
    assert.equal(id, named.id);
  });

  test("a new name goes to one that other machines would make too", async (t) => {
    const { registry, pull, seed } = await setUp(t);
    const { tag } = namesIn(registry);
    const sound = await seed("sound", OLDER, { tags: [], digests: [] });
    await seed("later", MISMATCHED, { tags: [], digests: [] });
    const found = await pull("1", {});
    assert.equal(found.id, sound.id);
    assert.deepEqual(found.names.tags, [tag]);
  });

  test("and else to the one used last", async (t) => {
    const { pull, seed } = await setUp(t);
    await seed("earlier", OLDER, { tags: [], digests: [] });
    const last = await seed("last", OLDER_PLAIN, { tags: [], digests: [] });
    const { id } = await pull("1", {});
    assert.equal(id, last.id);
  });
});

function nameOf({ codec, owners, layout }: Profile): string {
  return `${codec}, ${owners}, ${layout}`;
}

function wishText(wish: ProfileWish): string {
  return Object.values(wish).join(", ") || "nothing";
}

async function idsIn(store: Store): Promise<readonly string[]> {
  return (await store.list()).map(({ id }) => id);
}

/** The names that pulls of the image have, and one that none has. */
function namesIn({ host }: FakeRegistry): { tag: string; other: string; digest: string } {
  const repository = `${host}/app`;
  return {
    tag: `${repository}:1`,
    other: `${repository}:other`,
    digest: `${repository}@${image.manifest.digest}`,
  };
}

interface SetUp {
  readonly registry: FakeRegistry;
  readonly store: Store;
  /** Pulls `app` by a tag or a digest. */
  readonly pull: (version: string, wish: ProfileWish) => Promise<StoredImage>;
  /** Stores a file of this text as an image of the content, a second after what was before. */
  readonly seed: (text: string, profile: Profile, names: Names) => Promise<StoredImage>;
}

async function setUp(t: TestContext, configured: Partial<ProfileChoice> = {}): Promise<SetUp> {
  let now = Date.UTC(2026, 0);
  const tick = (): number => (now += 1000);
  const registry = await startRegistry();
  t.after(async () => {
    await registry.close();
  });
  registry.putImage("app", image, "1");
  const setup = await setUpPull(t, { now: tick });
  const defaults = {
    compression: "gzip",
    owners: "image",
    layout: "runtime",
    ...configured,
  } as const;
  const store = await setup.store();
  return {
    registry,
    store,
    pull: async (version, wish) => {
      const reference = `${registry.host}/app${version.startsWith("@") ? "" : ":"}${version}`;
      const context = { ...setup.context, defaults };
      return await pullToStore(store, reference, context, setup.options(wish), never);
    },
    seed: async (text, profile, names) => {
      await using staging = await store.stage();
      const more = { contentKey: CONTENT, profile, names };
      const { publication } = await new ImageMaker(staging).make(text, more);
      return await store.publish(publication, never);
    },
  };
}
