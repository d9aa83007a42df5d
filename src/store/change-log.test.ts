import assert from "node:assert/strict";
import { stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { newDirectory, openTestStore, publishTagged } from "../../test/fixtures/store/index.ts";
import { oldStore } from "../../test/fixtures/store/old-store.ts";
import type { Store, StoreChange } from "./index.ts";

const never = new AbortController().signal;

/** What `act` changes, as another connection to the same store is told. */
async function changesBy(
  watcher: Store,
  act: () => Promise<unknown>,
): Promise<readonly StoreChange[]> {
  const { position } = await watcher.changesSince();
  await act();
  const { changes, isComplete } = await watcher.changesSince(position);
  assert.equal(isComplete, true);
  return changes;
}

test("another process learns of every change to images and names, and of nothing else", async (t) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  await using watcher = await openTestStore(directory, { readOnly: true });
  const told = async (act: () => Promise<unknown>): Promise<readonly StoreChange[]> =>
    await changesBy(watcher, act);

  const [came, named] = await told(() => publishTagged(store, "one", "x:1"));
  const id = came?.id ?? "";
  assert.deepEqual(
    [came, named],
    [
      { kind: "came", id },
      { kind: "named", id, name: "x:1" },
    ],
  );

  const names = { tags: ["x:2"], digests: [] };
  assert.deepEqual(await told(() => store.addNames(id, names)), [
    { kind: "named", id, name: "x:2" },
  ]);
  assert.deepEqual(await told(() => store.addNames(id, names)), []);
  assert.deepEqual(await told(() => store.setPinned(id, true)), [{ kind: "changed", id }]);
  const forGvisor = async (): Promise<unknown> => await store.setRuntimeHandler(id, "gvisor");
  assert.deepEqual(await told(forGvisor), [{ kind: "changed", id }]);
  assert.deepEqual(await told(forGvisor), []);
  assert.deepEqual(await told(() => store.borrow("x:1", ["x:1"], "me")), []);
  assert.deepEqual(await told(() => store.return("x:1", ["x:1"], "me")), []);

  // Its file may be another one by now, whatever the tables say.
  const again = await told(() => publishTagged(store, "one", "x:1"));
  assert.deepEqual(again, [{ kind: "changed", id }]);

  // The name moves to another image.
  const moved = await told(() => publishTagged(store, "two", "x:2"));
  const other = moved[0]?.id ?? "";
  assert.deepEqual(moved, [
    { kind: "came", id: other },
    { kind: "unnamed", id, name: "x:2" },
    { kind: "named", id: other, name: "x:2" },
  ]);

  const gone = await told(() => store.remove(id, never));
  assert.ok(gone.some((change) => change.kind === "went" && change.id === id));
  assert.ok(gone.some((change) => change.kind === "unnamed" && change.name === "x:1"));
});

test("a handler is kept, over a restart too, until the image is pulled for the usual one", async (t) => {
  const directory = await newDirectory(t);
  {
    await using store = await openTestStore(directory);
    const id = await publishTagged(store, "one", "x:1");
    assert.equal((await store.setRuntimeHandler(id, "gvisor")).runtimeHandler, "gvisor");
  }
  await using store = await openTestStore(directory);
  const found = await store.find("x:1", ["x:1"]);
  assert.equal(found.runtimeHandler, "gvisor");
  assert.equal((await store.setRuntimeHandler(found.id, "")).runtimeHandler, undefined);
  await assert.rejects(store.setRuntimeHandler("0".repeat(64), "gvisor"), { code: "NOT_FOUND" });
});

test("whoever was away for too long is told so", async (t) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  const id = await publishTagged(store, "one", "x:1");
  const { position } = await store.changesSince();
  for (let count = 0; count < 4200; count += 1) await store.setPinned(id, count % 2 === 0);
  const long = await store.changesSince(position);
  assert.deepEqual([long.isComplete, long.changes], [false, []]);
  assert.equal(long.position, position + 4200);
  const short = await store.changesSince(long.position - 4000);
  assert.deepEqual([short.isComplete, short.changes.length], [true, 4000]);
});

test("a store of an older version has its log from now on, and none where it may only be read", async (t) => {
  const { directory, id } = await oldStore(t, 3);
  {
    await using reader = await openTestStore(directory, { readOnly: true });
    assert.deepEqual(await reader.changesSince(), { position: 0, isComplete: true, changes: [] });
    assert.equal((await reader.find(id, [])).runtimeHandler, undefined);
  }
  await using store = await openTestStore(directory);
  const { position } = await store.changesSince();
  await store.setPinned(id, false);
  const { changes } = await store.changesSince(position);
  assert.deepEqual(changes, [{ kind: "changed", id }]);
});

test("of a file its bytes and those on the disk are told, and nothing of one that is not there", async (t) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  await publishTagged(store, "one", "x:1");
  const { path } = await store.find("x:1", ["x:1"]);
  await truncate(path, 1_000_000);
  const allocated = (await stat(path)).blocks * 512;
  assert.ok(allocated < 1_000_000, "a hole takes up nothing");
  assert.deepEqual(await store.fileFacts([path, join(path, "below"), join(directory, "absent")]), [
    { size: 1_000_000, allocated },
    undefined,
    undefined,
  ]);
});
