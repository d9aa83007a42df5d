import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openTestStore } from "../../test/fixtures/store/index.ts";
import { oldStore } from "../../test/fixtures/store/old-store.ts";

function versionOf(directory: string): unknown {
  using database = new DatabaseSync(join(directory, "siflet.db"), { readOnly: true });
  return database.prepare("PRAGMA user_version").get()?.["user_version"];
}

for (const version of [1, 2, 3] as const) {
  test(`a store of version ${version} is brought up to date, and keeps all that it knew`, async (t) => {
    const { directory, id, name } = await oldStore(t, version);
    await using store = await openTestStore(directory);
    assert.equal(versionOf(directory), 5);
    const image = await store.find("old:1", [name]);
    assert.equal(image.id, id);
    assert.equal(image.pinned, true);
    assert.equal(image.sideLoaded, false);
    assert.deepEqual(image.localFiles, []);
    assert.deepEqual(image.borrowers, [{ who: "me", takenAt: 1 }]);
    await store.evidence.recordObjectDigests(id, new Map([["sha256 1", "ab"]]));
    assert.deepEqual(await store.evidence.objectDigests(id), new Map([["sha256 1", "ab"]]));
    assert.equal((await store.return("old:1", [name], "me")).length, 1);
    assert.deepEqual(await store.repair.integrity(), []);
  });

  test(`one of version ${version} that may only be read is read as it is`, async (t) => {
    const { directory, id, name } = await oldStore(t, version);
    await using store = await openTestStore(directory, { readOnly: true });
    const image = await store.find(id, []);
    assert.deepEqual(image.names.tags, [name]);
    assert.equal(image.sideLoaded, false);
    assert.deepEqual(image.localFiles, []);
    assert.deepEqual(image.borrowers, [{ who: "me", takenAt: 1 }]);
    assert.equal((await store.list()).length, 1);
    assert.deepEqual(await store.evidence.objectDigests(id), new Map());
    assert.equal(versionOf(directory), version);
  });
}

test("two that bring it up to date at once both find it so", async (t) => {
  const { directory, id } = await oldStore(t);
  const stores = await Promise.all([openTestStore(directory), openTestStore(directory)]);
  for (const store of stores) {
    assert.equal((await store.find(id, [])).id, id);
    await store.close();
  }
  assert.equal(versionOf(directory), 5);
});
