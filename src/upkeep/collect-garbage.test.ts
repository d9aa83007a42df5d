import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ImageMaker, newDirectory, openTestStore } from "../../test/fixtures/store/index.ts";
import type { Store } from "../store/index.ts";
import { collectGarbage, type Collection, type CollectOptions } from "./collect-garbage.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
const NOW = 100 * HOUR_MS;
const POLICY = { lowPercent: 80, minAgeMs: HOUR_MS };
/** Bytes of each image. */
const SIZE = 100;

interface Setup {
  readonly store: Store;
  /** Has the time go on by so many hours. */
  readonly wait: (hours: number) => number;
  /** Makes an image that was used last so many hours ago. */
  readonly make: (letter: string, hours: number) => Promise<string>;
  /** First letters of the images that are left. */
  readonly left: () => Promise<string>;
  readonly collect: (options: Partial<CollectOptions>) => Promise<Collection>;
}

async function setUp(t: TestContext): Promise<Setup> {
  let now = 0;
  const store = await openTestStore(await newDirectory(t), { now: () => now });
  t.after(() => store.close());
  const staging = await store.stage();
  const maker = new ImageMaker(staging);
  const letters = new Map<string, string>();
  return {
    store,
    wait: (hours) => (now += hours * HOUR_MS),
    async make(letter, hours) {
      now = NOW - hours * HOUR_MS;
      const names = { tags: [`reg.test/${letter}:1`], digests: [] };
      const { publication } = await maker.make(letter.repeat(SIZE), { names });
      const { id } = await store.publish(publication, never);
      letters.set(id, letter);
      now = NOW;
      return id;
    },
    left: async () =>
      (await store.list())
        .map(({ id }) => letters.get(id))
        .toSorted()
        .join(""),
    collect: async (options) => {
      const space = (): Promise<{ size: number; available: number }> =>
        Promise.resolve({ size: 1000, available: 1000 });
      const usual = { policy: POLICY, pins: [], now: NOW, space };
      return await collectGarbage(store, { ...usual, ...options }, never);
    },
  };
}

/** A file system of 1000 bytes, of which so many are used. */
function used(bytes: number): CollectOptions["space"] {
  return () => Promise.resolve({ size: 1000, available: 1000 - bytes });
}

test("without a policy of age or of room nothing goes, however full it is", async (t) => {
  const { make, left, collect } = await setUp(t);
  await make("a", 50);
  const { images, packBytes, missingBytes } = await collect({ space: used(1000) });
  assert.deepEqual([images, packBytes, missingBytes], [[], 0, 0]);
  assert.equal(await left(), "a");
});

test("what nobody used for long goes, and what is pinned or borrowed stays", async (t) => {
  const { store, make, left, collect } = await setUp(t);
  await make("a", 30);
  await make("b", 23);
  const pinned = await make("c", 40);
  await make("d", 40);
  const borrowed = await make("e", 40);
  await store.setPinned(pinned, true);
  await store.borrow(borrowed, [], "pod-1");
  const policy = { ...POLICY, maxAgeMs: 24 * HOUR_MS };
  const { images } = await collect({ policy, pins: ["reg.test/d:1"] });
  assert.deepEqual(
    images.flatMap(({ names }) => names.tags),
    ["reg.test/a:1"],
  );
  assert.equal(await left(), "bcde");
});

test("above the high mark room is made down to the low one, what was used last goes last", async (t) => {
  const { make, left, collect } = await setUp(t);
  for (const [letter, hours] of [
    ["a", 9],
    ["b", 8],
    ["c", 7],
    ["d", 6],
  ] as const) {
    await make(letter, hours);
  }
  const policy = { ...POLICY, highPercent: 85, lowPercent: 70 };
  assert.deepEqual((await collect({ policy, space: used(849) })).images, []);
  const { images, missingBytes } = await collect({ policy, space: used(850) });
  assert.deepEqual([images.length, missingBytes], [2, 0]);
  assert.equal(await left(), "cd");
});

test("converted layers go first, and only as many as it takes", async (t) => {
  const { make, left, collect } = await setUp(t);
  await make("a", 9);
  await make("b", 8);
  const policy = { ...POLICY, highPercent: 85, lowPercent: 80 };
  const asked: number[] = [];
  const cacheOf = (bytes: number): CollectOptions["cache"] => ({
    usage: () => Promise.resolve({ packs: 1, bytes }),
    evict: (most) => {
      asked.push(most);
      return Promise.resolve(bytes - most);
    },
  });
  const enough = await collect({ policy, space: used(900), cache: cacheOf(250) });
  assert.deepEqual([enough.packBytes, enough.images.length], [100, 0]);
  const more = await collect({ policy, space: used(900), cache: cacheOf(30) });
  assert.deepEqual([more.packBytes, more.images.length], [30, 1]);
  assert.deepEqual(asked, [150, 0]);
  assert.equal(await left(), "b");
});

test("what was used lately stays, and what is missing then is told", async (t) => {
  const { make, left, collect } = await setUp(t);
  await make("a", 0.5);
  await make("b", 2);
  const policy = { ...POLICY, highPercent: 85, lowPercent: 50 };
  const { images, missingBytes } = await collect({ policy, space: used(900) });
  assert.deepEqual([images.length, missingBytes], [1, 300]);
  assert.equal(await left(), "a");
});

test("what was asked for just now stays, also where that is not written down yet", async (t) => {
  const { store, make, left, wait, collect } = await setUp(t);
  const longAgo = await make("a", 50);
  const justNow = await make("b", 0);
  await make("c", 50);
  // Half a minute: sooner after another use than is written for its own sake.
  const now = wait(1 / 120);
  await store.touch(longAgo);
  await store.touch(justNow);
  const policy = { lowPercent: 0, highPercent: 1, minAgeMs: 15_000 };
  await collect({ policy, now, space: used(1000) });
  assert.equal(await left(), "ab");
});

test("an abort ends it before anything more goes", async (t) => {
  const { store, make, left } = await setUp(t);
  await make("a", 9);
  const policy = { ...POLICY, highPercent: 85 };
  const options = { policy, pins: [], now: NOW, space: used(1000) };
  const aborted = AbortSignal.abort(new Error("stopping"));
  await assert.rejects(collectGarbage(store, options, aborted), /stopping/);
  assert.equal(await left(), "a");
});
