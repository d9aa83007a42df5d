import assert from "node:assert/strict";
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import {
  alterDatabase,
  ImageMaker,
  modeOf,
  newDirectory,
  openTestStore,
  publishTagged,
  startChild,
  startChildOnSmallDisk,
} from "../../test/fixtures/store/index.ts";
import type { StoreTraits } from "./index.ts";

const never = new AbortController().signal;
const DAY_MS = 24 * 60 * 60 * 1000;

for (const umask of [0, 0o277]) {
  test(`modes are the same under umask ${umask.toString(8)} (B24)`, async (t) => {
    const before = process.umask(umask);
    t.after(() => process.umask(before));
    const directory = join(await newDirectory(t), "sub", "store");
    await using store = await openTestStore(directory);
    await using staging = await store.stage();
    const { publication } = await new ImageMaker(staging).make("x");
    const { path } = await store.publish(publication, never);
    const folders = [".", "images", "tmp", "locks"].map((name) => join(directory, name));
    for (const folder of [...folders, staging.path]) assert.equal(await modeOf(folder), "700");
    assert.equal(await modeOf(path), "644");
    for (const suffix of ["", "-wal", "-shm"]) {
      assert.equal(await modeOf(join(directory, `siflet.db${suffix}`)), "600", suffix);
    }
  });
}

test("directories that the operator opened up stay so", async (t) => {
  const directory = await newDirectory(t);
  await chmod(directory, 0o755);
  await (await openTestStore(directory)).close();
  await chmod(join(directory, "images"), 0o755);
  await (await openTestStore(directory)).close();
  assert.equal(await modeOf(directory), "755");
  assert.equal(await modeOf(join(directory, "images")), "755");
});

test("a store can be moved (B16)", async (t) => {
  const parent = await newDirectory(t);
  const first = await openTestStore(join(parent, "a"));
  await publishTagged(first, "x", "tag:1");
  await first.close();
  await rename(join(parent, "a"), join(parent, "b"));
  await using moved = await openTestStore(join(parent, "b"));
  const { path } = await moved.find("tag:1", ["tag:1"]);
  assert.equal((await stat(path)).size, 1);
});

const kept: readonly Partial<StoreTraits>[] = [
  { journal: "wal", claims: "lock-file" },
  { journal: "rollback", claims: "socket" },
];
for (const traits of kept) {
  test(`a store keeps how it was made: ${JSON.stringify(traits)}`, async (t) => {
    const directory = await newDirectory(t);
    await (await openTestStore(directory, { traits })).close();
    await using store = await openTestStore(directory);
    assert.deepEqual(store.traits, traits);
    assert.equal((await readdir(directory)).includes("siflet.db-wal"), traits.journal === "wal");
  });
}

const refused: readonly {
  name: string;
  code: string;
  prepare: (directory: string) => Promise<void> | void;
}[] = [
  {
    name: "a newer schema",
    code: "STORE_SCHEMA",
    prepare: (directory) => {
      alterDatabase(directory, "PRAGMA user_version = 999");
    },
  },
  {
    name: "another program's database",
    code: "STORE_UNAVAILABLE",
    prepare: (directory) => {
      alterDatabase(directory, "PRAGMA application_id = 1");
    },
  },
  {
    name: "a directory in the place of the database",
    code: "STORE_UNAVAILABLE",
    prepare: async (directory) => {
      await rm(join(directory, "siflet.db"));
      await mkdir(join(directory, "siflet.db"));
    },
  },
];
for (const { name, code, prepare } of refused) {
  test(`${name} is refused with ${code}, and nothing is swept`, async (t) => {
    const directory = await newDirectory(t);
    await (await openTestStore(directory)).close();
    const left = join(directory, "tmp", `node-1.example-0b5f9a6e-${"0".repeat(16)}-1`);
    await mkdir(left);
    await prepare(directory);
    await assert.rejects(openTestStore(directory), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(directory));
      return true;
    });
    assert.ok(await stat(left));
  });
}

test("a file in the place of the store, or above it, is STORE_UNAVAILABLE", async (t) => {
  const file = join(await newDirectory(t), "file");
  await writeFile(file, "");
  await assert.rejects(openTestStore(file), { code: "STORE_UNAVAILABLE" });
  await assert.rejects(openTestStore(join(file, "below")), { code: "STORE_UNAVAILABLE" });
});

for (const journal of ["wal", "rollback"] as const) {
  test(`a ${journal} store opened to be read answers, and refuses to write`, async (t) => {
    const directory = await newDirectory(t);
    const writer = await openTestStore(directory, { traits: { journal } });
    const id = await publishTagged(writer, "x", "tag:1");
    await writer.close();
    const left = join(directory, "tmp", `node-1.example-0b5f9a6e-${"0".repeat(16)}-1`);
    await mkdir(left);

    await using store = await openTestStore(directory, { readOnly: true });
    assert.equal((await store.find("tag:1", ["tag:1"])).id, id);
    assert.equal((await store.list()).length, 1);
    assert.deepEqual(await store.usedBy(id), []);
    await store.touch(id);
    const code = "STORE_READ_ONLY";
    await assert.rejects(store.stage(), { code });
    await assert.rejects(store.claim("key", never), { code });
    await assert.rejects(store.borrow(id, [], "me"), { code });
    await assert.rejects(store.remove(id, never), { code });
    await assert.rejects(store.untag("tag:1"), { code });
    assert.ok(await stat(left));
  });
}

test("opening to read makes nothing where there is no store", async (t) => {
  const directory = join(await newDirectory(t), "none");
  await assert.rejects(openTestStore(directory, { readOnly: true }), { code: "STORE_UNAVAILABLE" });
  await assert.rejects(stat(directory), { code: "ENOENT" });
});

test("two stores made at once in one place are one", async (t) => {
  const directory = await newDirectory(t);
  const stores = await Promise.all([1, 2, 3].map(() => openTestStore(directory)));
  const [first, ...others] = stores;
  assert.ok(first);
  await publishTagged(first, "x", "tag:1");
  for (const store of others) assert.equal((await store.list()).length, 1);
  for (const store of stores) await store.close();
});

const OWNER = "0123456789abcdef";
const OURS = `node-1.example-0b5f9a6e-${OWNER}-1`;

/** Staging directories that nobody holds a claim for, and what a start makes of them. */
const leftovers = [
  { name: OURS, ageMs: 0, stays: false },
  { name: `node-1.example-ffffffff-${OWNER}-1`, ageMs: 0, stays: false },
  { name: `node-2.example-0b5f9a6e-${OWNER}-1`, ageMs: 0, stays: true },
  { name: `node-2.example-0b5f9a6e-${OWNER}-2`, ageMs: DAY_MS - 1000, stays: true },
  { name: `node-2.example-0b5f9a6e-${OWNER}-3`, ageMs: DAY_MS, stays: false },
  { name: "something-else", ageMs: 2 * DAY_MS, stays: true },
] as const;
for (const { name, ageMs, stays } of leftovers) {
  test(`a start ${stays ? "leaves" : "sweeps"} tmp/${name}, ${ageMs} ms old (B23)`, async (t) => {
    const directory = await newDirectory(t);
    await (await openTestStore(directory)).close();
    const path = join(directory, "tmp", name);
    await mkdir(join(path, "below"), { recursive: true });
    const written = new Date("2026-01-01T00:00:00Z");
    await utimes(path, written, written);
    await (await openTestStore(directory, { now: () => written.getTime() + ageMs })).close();
    assert.deepEqual(await readdir(join(directory, "tmp")), stays ? [name] : []);
  });
}

for (const claims of ["socket", "lock-file"] as const) {
  test(`${claims}: staging is left alone while its process lives, however old`, async (t) => {
    const directory = await newDirectory(t);
    await using child = startChild({ kind: "stage", directory, traits: { claims } });
    const [path = ""] = await child.report();
    const later = { now: () => Date.now() + 3 * DAY_MS };
    await (await openTestStore(directory, later)).close();
    assert.ok(await stat(path));
    await child.kill();
    await (await openTestStore(directory)).close();
    await assert.rejects(stat(path), { code: "ENOENT" });
    assert.deepEqual(
      (await readdir(join(directory, "locks"))).filter((name) => !/open|backup|reaper/.test(name)),
      [],
    );
  });
}

test("a backup goes that was being written when its writer died, and not another one's", async (t) => {
  const directory = await newDirectory(t);
  await (await openTestStore(directory)).close();
  const left = [join(directory, "tmp", "new.backup"), join(directory, "tmp", "new.backup-journal")];
  const isThere = async (): Promise<number> => (await readdir(join(directory, "tmp"))).length;
  {
    using lock = new DatabaseSync(join(directory, "locks", "backup.lock"));
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    for (const path of left) await writeFile(path, "a part");
    await (await openTestStore(directory)).close();
    assert.equal(await isThere(), 2);
  }
  await (await openTestStore(directory, { readOnly: true })).close();
  assert.equal(await isThere(), 2);
  await (await openTestStore(directory)).close();
  assert.equal(await isThere(), 0);
});

test("staging goes when it is disposed of, and two of one store differ", async (t: TestContext) => {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory, { host: "../a b" });
  {
    await using first = await store.stage();
    await using second = await store.stage();
    assert.notEqual(first.path, second.path);
    await mkdir(join(first.path, "below"));
    assert.equal((await readdir(join(directory, "tmp"))).length, 2);
  }
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
});

test("a full disk is NO_SPACE, harms no image, and the store goes on after it", async (t) => {
  const directory = await newDirectory(t);
  await using child = startChildOnSmallDisk({ kind: "fill the disk", directory }, 2048);
  const [before, publish, name, found, after, ...listed] = await child.report();
  assert.deepEqual([publish, name], ["NO_SPACE", "NO_SPACE"]);
  assert.equal(found, before);
  assert.match(after ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(listed.toSorted(), ["after:1", "before:1"]);
});
