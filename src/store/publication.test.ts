import assert from "node:assert/strict";
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  ImageMaker,
  newDirectory,
  openTestStore,
  startChild,
  type DeathPoint,
} from "../../test/fixtures/store/index.ts";
import type { Publication, Store, StoreFiles } from "./index.ts";

const never = new AbortController().signal;
const TAG = "docker.io/library/busybox:latest";
const NAMES = { tags: [TAG], digests: [] };

/** The real calls but for flushing; `before` runs at each and may fail in its stead. */
function recordingFiles(
  before: (call: string) => Promise<void> | void = () => undefined,
): StoreFiles & { readonly calls: string[] } {
  const calls: string[] = [];
  const note = async (call: string): Promise<void> => {
    calls.push(call);
    await before(call);
  };
  return {
    calls,
    syncFile: async (path) => {
      await note(`sync file in ${basename(join(path, "..")).slice(0, 6)}`);
    },
    rename: async (from, to) => {
      await note(`rename to ${basename(join(to, ".."))}`);
      await rename(from, to);
    },
    unlink: async (path) => {
      await note(`unlink in ${basename(join(path, ".."))}`);
      await unlink(path);
    },
    syncDirectory: async (path) => {
      await note(`sync directory ${basename(path)}`);
    },
  };
}

async function publishText(
  store: Store,
  text: string,
  more: Partial<Publication> = {},
): Promise<string> {
  await using staging = await store.stage();
  const { publication } = await new ImageMaker(staging).make(text, more);
  return (await store.publish(publication, never)).id;
}

async function filesOf(store: Store, folder: string): Promise<string[]> {
  return await readdir(join(store.directory, folder));
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: "fsync" });
}

test("publication is fsync, rename, fsync of the directory, commit", async (t) => {
  const directory = await newDirectory(t);
  await using watcher = await openTestStore(directory);
  const seen: number[] = [];
  const files = recordingFiles(async () => {
    seen.push((await watcher.list()).length);
  });
  await using store = await openTestStore(directory, { files });
  await publishText(store, "x");
  assert.deepEqual(files.calls, [
    "sync file in node-1",
    "rename to images",
    "sync directory images",
  ]);
  assert.deepEqual(seen, [0, 0, 0]);
  assert.equal((await watcher.list()).length, 1);
});

test("removal is the record first, then the file, then the tombstone", async (t) => {
  const directory = await newDirectory(t);
  await using watcher = await openTestStore(directory);
  const seen: number[] = [];
  const files = recordingFiles(async () => {
    seen.push((await watcher.list()).length);
  });
  await using store = await openTestStore(directory, { files });
  const id = await publishText(store, "x");
  files.calls.length = seen.length = 0;
  await store.remove(id, never);
  assert.deepEqual(files.calls, ["unlink in images", "sync directory images"]);
  assert.deepEqual(seen, [0, 0]);
});

const failures = [
  { step: "sync file", errno: "ENOSPC", code: "NO_SPACE" },
  { step: "rename", errno: "EDQUOT", code: "NO_SPACE" },
  { step: "sync directory", errno: "EIO", code: "STORE_UNAVAILABLE" },
  { step: "sync directory", errno: "EROFS", code: "STORE_READ_ONLY" },
];
for (const { step, errno, code } of failures) {
  test(`${errno} at "${step}" is ${code}, and no image, file or name is left`, async (t) => {
    let armed = true;
    const files = recordingFiles((call) => {
      if (armed && call.startsWith(step)) throw failure(errno);
    });
    await using store = await openTestStore(await newDirectory(t), { files });
    await assert.rejects(publishText(store, "x", { names: NAMES }), { code });
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await filesOf(store, "images"), []);
    assert.deepEqual(await filesOf(store, "tmp"), []);
    armed = false;
    await publishText(store, "x", { names: NAMES });
    assert.equal((await store.list()).length, 1);
  });
}

test("a failed publication never deletes the file of an image that is stored (B12)", async (t) => {
  let armed = false;
  const files = recordingFiles((call) => {
    if (armed && call.startsWith("sync directory")) throw failure("EIO");
  });
  await using store = await openTestStore(await newDirectory(t), { files });
  const id = await publishText(store, "x");
  const { path } = await store.find(id, []);
  await writeFile(path, "y");
  armed = true;
  await assert.rejects(publishText(store, "x"), { code: "STORE_UNAVAILABLE" });
  assert.equal(await readFile(path, "utf8"), "x");
});

test("a file of another size than stated is refused", async (t) => {
  await using store = await openTestStore(await newDirectory(t));
  await assert.rejects(publishText(store, "x", { size: 2 }), { code: "CONTENT_SIZE_MISMATCH" });
  assert.deepEqual(await filesOf(store, "images"), []);
});

test("an aborted publication leaves nothing", async (t) => {
  await using store = await openTestStore(await newDirectory(t));
  await using staging = await store.stage();
  const { publication } = await new ImageMaker(staging).make("x");
  const aborted = AbortSignal.abort(new Error("gave up"));
  await assert.rejects(store.publish(publication, aborted), { message: "gave up" });
  assert.deepEqual(await filesOf(store, "images"), []);
});

/** What stands where an image's file should be, when the image is published again. */
const standing: readonly {
  name: string;
  damage: (path: string) => Promise<void>;
  kept: boolean;
}[] = [
  { name: "the same bytes", damage: async () => {}, kept: true },
  { name: "other bytes of the same size", damage: (path) => writeFile(path, "X"), kept: false },
  { name: "a shorter file", damage: (path) => writeFile(path, ""), kept: false },
  { name: "nothing", damage: (path) => unlink(path), kept: false },
];
for (const { name, damage, kept } of standing) {
  test(`published again over ${name}: the file is ${kept ? "kept" : "replaced"}`, async (t) => {
    await using store = await openTestStore(await newDirectory(t));
    const id = await publishText(store, "x");
    const { path } = await store.find(id, []);
    // Held open, so that no new file can get its inode number.
    await using held = await open(path);
    const { ino } = await held.stat();
    await damage(path);
    await publishText(store, "x", { names: NAMES });
    assert.equal((await stat(path)).ino === ino, kept);
    assert.equal(await readFile(path, "utf8"), "x");
    assert.deepEqual((await store.find("busybox", [TAG])).id, id);
    assert.deepEqual(await filesOf(store, "images"), [`${id}.sif`]);
  });
}

/** Kills a child in the middle of publishing, and opens the store after it. */
const publishDeaths: readonly { at: DeathPoint; images: number; files: number }[] = [
  { at: "before rename", images: 0, files: 0 },
  // The file without a record is no image, and is kept for a repair to judge.
  { at: "after rename", images: 0, files: 1 },
  { at: "after directory sync", images: 0, files: 1 },
];
for (const { at, images, files } of publishDeaths) {
  test(`kill -9 ${at} of a publication leaves the old state`, async (t) => {
    const directory = await newDirectory(t);
    await using child = startChild({ kind: "publish and die", directory, text: "x", at });
    assert.equal(await child.died(), "SIGKILL");
    await using store = await openTestStore(directory);
    assert.equal((await store.list()).length, images);
    assert.equal((await filesOf(store, "images")).length, files);
    assert.deepEqual(await filesOf(store, "tmp"), []);
    await publishText(store, "x", { names: NAMES });
    assert.equal((await store.find("busybox", [TAG])).size, 1);
  });
}

const removeDeaths: readonly DeathPoint[] = [
  "before unlink",
  "after unlink",
  "after directory sync",
];
for (const at of removeDeaths) {
  test(`kill -9 ${at} of a removal: the next start finishes it`, async (t) => {
    const { directory, id } = await storeWithOne(t);
    await using child = startChild({ kind: "remove and die", directory, id, at });
    assert.equal(await child.died(), "SIGKILL");
    await using store = await openTestStore(directory);
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(await filesOf(store, "images"), []);
  });
}

test("a tombstone never takes the file of an image that is stored again", async (t) => {
  const { directory, id } = await storeWithOne(t);
  // Open before the death, so that its own start finishes nothing.
  await using store = await openTestStore(directory);
  await using child = startChild({ kind: "remove and die", directory, id, at: "before unlink" });
  assert.equal(await child.died(), "SIGKILL");
  assert.deepEqual(await store.list(), []);
  await publishText(store, "x");
  await using again = await openTestStore(directory);
  assert.equal((await again.list()).length, 1);
  assert.deepEqual(await filesOf(again, "images"), [`${id}.sif`]);
});

test("a removal whose file cannot be deleted is finished by a later start", async (t) => {
  const { directory, id } = await storeWithOne(t);
  const files = recordingFiles();
  const stuck: StoreFiles = { ...files, unlink: () => Promise.reject(failure("EPERM")) };
  await using store = await openTestStore(directory, { files: stuck });
  await assert.rejects(store.remove(id, never), { code: "STORE_UNAVAILABLE" });
  assert.deepEqual(await store.list(), []);
  // Still stuck: opening works all the same.
  await (await openTestStore(directory, { files: stuck })).close();
  assert.deepEqual(await filesOf(store, "images"), [`${id}.sif`]);
  await using mended = await openTestStore(directory);
  assert.deepEqual(await filesOf(mended, "images"), []);
});

test("a directory in the place of an image's file is not deleted", async (t) => {
  await using store = await openTestStore(await newDirectory(t));
  const id = await publishText(store, "x");
  const { path } = await store.find(id, []);
  await rm(path);
  await mkdir(path);
  await assert.rejects(publishText(store, "x"), { code: "STORE_UNAVAILABLE" });
  assert.deepEqual(await filesOf(store, "images"), [`${id}.sif`]);
});

async function storeWithOne(t: TestContext): Promise<{ directory: string; id: string }> {
  const directory = await newDirectory(t);
  await using store = await openTestStore(directory);
  return { directory, id: await publishText(store, "x", { names: NAMES }) };
}
