import assert from "node:assert/strict";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import {
  alterDatabase,
  modeOf,
  newDirectory,
  openTestStore,
  publishTagged,
  startChild,
} from "../../test/fixtures/store/index.ts";

const lost: readonly { name: string; lose: (path: string) => Promise<void> }[] = [
  {
    name: "is gone",
    lose: async (path) => {
      await rm(path);
    },
  },
  {
    name: "has other bytes",
    lose: async (path) => {
      await writeFile(path, "no".repeat(5000));
    },
  },
  {
    name: "is empty",
    lose: async (path) => {
      await writeFile(path, "");
    },
  },
  {
    name: "has lost its first page",
    lose: async (path) => {
      const bytes = await readFile(path);
      await writeFile(path, bytes.fill(0, 0, 4096));
    },
  },
  {
    name: "was cut short",
    lose: async (path) => {
      await truncate(path, 5000);
    },
  },
];
for (const { name, lose } of lost) {
  test(`a database that ${name} is made again out of its backup`, async (t) => {
    const directory = await newDirectory(t);
    const store = await openTestStore(directory);
    await publishTagged(store, "x", "tag:1");
    const known = await store.list();
    await store.borrow(known[0]?.id ?? "", [], "me");
    await store.addNames(known[0]?.id ?? "", { tags: ["tag:2"], digests: [] });
    await store.close();
    const path = join(directory, "siflet.db");
    const bytes = await readFile(path);
    await lose(path);
    await using again = await openTestStore(directory);
    assert.equal(again.wasRebuilt, true);
    assert.equal(again.wasMade, false);
    assert.equal((await again.find("tag:2", ["tag:2"])).id, known[0]?.id);
    assert.deepEqual(await again.usedBy(known[0]?.id ?? ""), ["me"]);
    assert.deepEqual(await again.repair.strayFiles(), []);
    assert.equal(await modeOf(path), "600");
    // What was there is still there, for whoever can make more of it.
    const aside = (await readdir(directory)).some((name) => name.startsWith("siflet.db.damaged"));
    assert.equal(aside, name !== "is gone");
    assert.ok(bytes.length > 0);
  });
}

test("without a backup a lost database is empty, and the files are strays", async (t) => {
  const directory = await newDirectory(t);
  const store = await openTestStore(directory);
  await publishTagged(store, "x", "tag:1");
  await store.close();
  await rm(join(directory, "siflet.db"));
  await writeFile(join(directory, "siflet.db.backup"), "damaged too");
  await using again = await openTestStore(directory);
  assert.equal(again.wasRebuilt, true);
  assert.deepEqual(await again.list(), []);
  assert.equal((await again.repair.strayFiles()).length, 1);
});

test("who may only read a store with a damaged database is told so, and changes nothing", async (t) => {
  const directory = await newDirectory(t);
  await (await openTestStore(directory)).close();
  const path = join(directory, "siflet.db");
  await writeFile(path, "no database".repeat(1000));
  await assert.rejects(openTestStore(directory, { readOnly: true }), { code: "STORE_DAMAGED" });
  assert.equal((await readFile(path, "utf8")).slice(0, 11), "no database");
});

test("a new store was made, and one that is fine was neither made nor rebuilt", async (t) => {
  const directory = await newDirectory(t);
  for (const isNew of [true, false]) {
    await using store = await openTestStore(directory);
    assert.equal(store.wasMade, isNew);
    assert.equal(store.wasRebuilt, false);
  }
  await using reader = await openTestStore(directory, { readOnly: true });
  assert.equal(reader.wasMade, false);
});

test("a log that outlived its database is not played back into the next one", async (t) => {
  const directory = await newDirectory(t);
  const first = await openTestStore(directory);
  await publishTagged(first, "x", "tag:1");
  await first.close();
  await using child = startChild({ kind: "publish", directory, text: "y", tags: ["tag:2"] });
  await child.report();
  await child.kill();
  assert.ok((await readdir(directory)).includes("siflet.db-wal"));
  await rm(join(directory, "siflet.db"));
  await using store = await openTestStore(directory);
  assert.equal(store.wasRebuilt, true);
  assert.deepEqual(await store.repair.integrity(), []);
  assert.ok((await store.find("tag:1", ["tag:1"])).id);
});

for (const how of ["lost", "damaged"] as const) {
  test(`while somebody has a ${how} database open it is not made again`, async (t) => {
    const directory = await newDirectory(t);
    const holder = await openTestStore(directory);
    await publishTagged(holder, "x", "tag:1");
    const path = join(directory, "siflet.db");
    if (how === "lost") await rm(path);
    else await writeFile(path, "no database".repeat(1000));
    await assert.rejects(openTestStore(directory), { code: "STORE_BUSY" });
    await holder.close();
    await using store = await openTestStore(directory);
    assert.equal(store.wasRebuilt, true);
    assert.deepEqual(await store.repair.integrity(), []);
  });
}

test("a backup of a newer version is not thrown away", async (t) => {
  const directory = await newDirectory(t);
  const store = await openTestStore(directory);
  await publishTagged(store, "x", "tag:1");
  await store.close();
  const backup = new DatabaseSync(join(directory, "siflet.db.backup"));
  backup.exec("PRAGMA user_version = 99");
  backup.close();
  await rm(join(directory, "siflet.db"));
  await assert.rejects(openTestStore(directory), { code: "STORE_SCHEMA" });
  assert.ok((await readdir(directory)).includes("siflet.db.backup"));
});

test("a borrow is in the backup, and a shared store stays shared when it is made again", async (t) => {
  const directory = join(await newDirectory(t), "shared");
  const store = await openTestStore(directory, { readers: { kind: "everyone" } });
  await publishTagged(store, "x", "tag:1");
  await store.close();
  const borrowing = await openTestStore(directory);
  await borrowing.borrow("tag:1", ["tag:1"], "me");
  await borrowing.close();
  await rm(join(directory, "siflet.db"));
  await using again = await openTestStore(directory);
  const { id } = await again.find("tag:1", ["tag:1"]);
  assert.deepEqual(await again.usedBy(id), ["me"]);
  assert.equal(again.traits.journal, "rollback");
  assert.equal(await modeOf(join(directory, "siflet.db")), "644");
});

test("two that find a database damaged at once make one", async (t) => {
  const directory = await newDirectory(t);
  const store = await openTestStore(directory);
  await publishTagged(store, "x", "tag:1");
  await store.close();
  await writeFile(join(directory, "siflet.db"), "no database".repeat(1000));
  const stores = await Promise.all([openTestStore(directory), openTestStore(directory)]);
  for (const each of stores) {
    assert.equal((await each.list()).length, 1);
    await each.close();
  }
});

test("a damaged row is STORE_DAMAGED and named", async (t) => {
  const directory = await newDirectory(t);
  const store = await openTestStore(directory);
  await publishTagged(store, "x", "tag:1");
  await store.close();
  const sources = ["nothing", "null", "{}", '{"reference":"x","layers":[{}]}', '{"layers":[]}'];
  for (const source of sources) {
    alterDatabase(directory, `UPDATE image SET source = '${source}'`);
    await using damaged = await openTestStore(directory);
    await assert.rejects(damaged.list(), { code: "STORE_DAMAGED" }, source);
  }
});

test("an empty store is rebuilt too, and says so", async (t) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  assert.equal(await store.repair.rebuild(), false);
  await writeFile(join(directory, "siflet.db"), "no database".repeat(1000));
  assert.equal(await store.repair.rebuild(), true);
  assert.deepEqual(await store.repair.integrity(), []);
});
