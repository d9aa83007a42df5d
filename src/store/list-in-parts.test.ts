import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  alterDatabase,
  newDirectory,
  openTestStore,
  publishTagged,
} from "../../test/fixtures/store/index.ts";
import type { Store } from "./index.ts";

const IMAGES = 300;

/** A store of one image that is published, and copies of its record: enough for several parts. */
async function storeOfMany(t: TestContext): Promise<Store> {
  const directory = await newDirectory(t);
  const first = await openTestStore(directory);
  await publishTagged(first, "x", "tag:0");
  await first.close();
  alterDatabase(
    directory,
    `CREATE TEMP TABLE number AS
      WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number
        WHERE n < ${IMAGES - 1}) SELECT n FROM number;
    INSERT INTO image SELECT printf('%064x', n), size, origin, content_key, codec, compression,
      owners, layout, os, architecture, variant, oci_config, source, created_at,
      last_used_at - (n + 2) / 3, pinned, side_loaded FROM image, number;
    INSERT INTO name (name, kind, image) SELECT 'tag:' || n, 'tag', printf('%064x', n) FROM number;`,
  );
  const store = await openTestStore(directory);
  t.after(() => store.close());
  return store;
}

test("a list in several parts holds each image once, in order, with its own names", async (t) => {
  const store = await storeOfMany(t);
  const parts = await Array.fromAsync(store.listInParts());
  assert.ok(parts.length > 2);
  const images = parts.flat();
  assert.equal(new Set(images.map(({ id }) => id)).size, IMAGES);
  assert.deepEqual(
    images.slice(1).map(({ names }) => names.tags),
    images.slice(1).map(({ id }) => [`tag:${Number.parseInt(id, 16)}`]),
  );
  const inOrder = images.toSorted((a, b) => b.lastUsedAt - a.lastUsedAt || (a.id < b.id ? -1 : 1));
  assert.deepEqual(images, inOrder);
  assert.deepEqual(await store.list(), images);
});

test("an image that is removed while a list is read is left out, and nothing else", async (t) => {
  const store = await storeOfMany(t);
  const ids = (await store.list()).map(({ id }) => id);
  const last = ids.at(-1) ?? "";
  const listed: string[] = [];
  for await (const part of store.listInParts()) {
    if (listed.length === 0) await store.remove(last, new AbortController().signal);
    listed.push(...part.map(({ id }) => id));
  }
  assert.deepEqual(listed, ids.slice(0, -1));
});

test("whoever leaves a list early leaves a store that works", async (t) => {
  const store = await storeOfMany(t);
  for await (const part of store.listInParts()) {
    assert.ok(part.length > 0);
    break;
  }
  assert.equal((await store.find("tag:7", ["tag:7"])).names.tags[0], "tag:7");
});
