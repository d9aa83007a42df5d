import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { newDirectory, openTestStore, publishTagged } from "../../test/fixtures/store/index.ts";
import type { Store } from "../store/index.ts";
import { runtimeSchema } from "../wire/index.ts";
import { EncodedImages } from "./encoded-images.ts";

const never = new AbortController().signal;
const schema = runtimeSchema("ListImagesResponse");

interface Setup {
  readonly store: Store;
  readonly encoded: EncodedImages;
  readonly setPins: (pins: readonly string[]) => void;
  /** Id and first tag of each, in the order of the list. */
  readonly listed: () => Promise<readonly (readonly [string, string | undefined])[]>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const directory = await newDirectory(t);
  const store = await openTestStore(directory);
  const reader = await openTestStore(directory, { readOnly: true });
  t.after(async () => {
    await reader.close();
    await store.close();
  });
  let pins: readonly string[] = [];
  const encoded = new EncodedImages(reader, () => pins);
  return {
    store,
    encoded,
    setPins: (next) => {
      pins = next;
    },
    listed: async () => {
      const { images } = fromBinary(schema, await encoded.list());
      return images.map(({ id, repoTags }) => [id, repoTags[0]] as const);
    },
  };
}

test("a list holds what is there at the moment it is asked for, in order of ids", async (t) => {
  const { store, listed } = await setUp(t);
  assert.deepEqual(await listed(), []);
  const expected = new Map<string, string>();
  const check = async (): Promise<void> => {
    const sorted = [...expected].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(await listed(), sorted);
  };
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) {
    expected.set(await publishTagged(store, `image ${number}`, `x:${number}`), `x:${number}`);
    await check();
  }
  for (const id of [...expected.keys()]) {
    await store.remove(id, never);
    expected.delete(id);
    await check();
  }
});

test("a name that moves is in the list where it is now", async (t) => {
  const { store, listed } = await setUp(t);
  const first = await publishTagged(store, "one", "x:1");
  await listed();
  const second = await publishTagged(store, "two", "x:1");
  assert.deepEqual(
    new Map(await listed()),
    new Map([
      [first, undefined],
      [second, "x:1"],
    ]),
  );
});

test("an image whose file is gone is not listed", async (t) => {
  const { store, listed } = await setUp(t);
  await publishTagged(store, "one", "x:1");
  const { id, path } = await store.find("x:1", ["x:1"]);
  await rm(path);
  assert.deepEqual(await listed(), []);
  await publishTagged(store, "one", "x:1");
  assert.deepEqual(await listed(), [[id, "x:1"]]);
});

test("many lists at once, while images come and go, never hold one that was gone before they were asked for", async (t) => {
  const { store, listed } = await setUp(t);
  const gone = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const id = await publishTagged(store, `image ${round}`, "x:1");
    const before = [listed(), listed()];
    await store.remove(id, never);
    gone.add(id);
    const after = [listed(), listed()];
    await Promise.all(before);
    for (const list of await Promise.all(after)) {
      assert.ok(list.every(([each]) => !gone.has(each)));
    }
  }
});

test("what is pinned by the configuration is told anew when all is forgotten", async (t) => {
  const { store, encoded, setPins } = await setUp(t);
  await publishTagged(store, "one", "x:1");
  const pinned = async (): Promise<readonly boolean[]> => {
    return fromBinary(schema, await encoded.list()).images.map((image) => image.pinned);
  };
  assert.deepEqual(await pinned(), [false]);
  setPins(["x:1"]);
  encoded.forget();
  assert.deepEqual(await pinned(), [true]);
});

test("parts of a list are the list, and there are none of nothing", async (t) => {
  const { store, encoded, listed } = await setUp(t);
  assert.deepEqual(await encoded.fields(2), []);
  for (const number of [1, 2, 3, 4, 5]) {
    await publishTagged(store, `image ${number}`, `x:${number}`);
  }
  const parts = (await encoded.fields(2)).map((field) => {
    const response = create(schema);
    response.$unknown = field;
    return fromBinary(schema, toBinary(schema, response)).images.map(({ id }) => id);
  });
  assert.deepEqual(
    parts.map(({ length }) => length),
    [2, 2, 1],
  );
  assert.deepEqual(
    parts.flat(),
    (await listed()).map(([id]) => id),
  );
});
