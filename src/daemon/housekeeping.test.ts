import assert from "node:assert/strict";
import { test } from "node:test";
import type { Collection } from "../upkeep/index.ts";
import { Housekeeping, type HousekeepingParts, type HousekeepingPolicy } from "./housekeeping.ts";

const MINUTE_MS = 60_000;
const COLLECTION = { lowPercent: 80, minAgeMs: 0 };
const NOTHING: Collection = { images: [], packBytes: 0, missingBytes: 0 };

interface Setup extends AsyncDisposable {
  readonly told: readonly string[];
  /** Waits so long, and looks what is due. */
  readonly wait: (minutes: number) => Promise<void>;
  readonly use: (policy: HousekeepingPolicy) => void;
}

function setUp(more: Partial<HousekeepingParts> = {}): Setup {
  const told: string[] = [];
  let ms = 0;
  let policy: HousekeepingPolicy = {};
  const housekeeping = new Housekeeping({
    policy: () => policy,
    collect: () => Promise.resolve(NOTHING),
    check: () => Promise.resolve({ images: 3, faults: [] }),
    onCollected: () => told.push("collected"),
    onChecked: ({ images }) => told.push(`checked ${images}`),
    onFailure: (what, error) => told.push(`${what}: ${String(error)}`),
    now: () => ms,
    ...more,
  });
  return {
    told,
    async wait(minutes) {
      ms += minutes * MINUTE_MS;
      housekeeping.tick();
      await housekeeping.settled();
    },
    use: (next) => {
      policy = next;
    },
    [Symbol.asyncDispose]: () => housekeeping[Symbol.asyncDispose](),
  };
}

test("nothing is done unless a policy says so", async () => {
  await using keeping = setUp();
  await keeping.wait(100_000);
  assert.deepEqual(keeping.told, []);
});

test("garbage is collected every five minutes", async () => {
  await using keeping = setUp();
  keeping.use({ collection: COLLECTION });
  for (const minutes of [4, 1, 4, 1]) await keeping.wait(minutes);
  assert.deepEqual(keeping.told, ["collected", "collected"]);
});

test("files are checked an hour after the start, and then as often as the policy says", async () => {
  await using keeping = setUp();
  keeping.use({ checkEveryMs: 24 * 60 * MINUTE_MS });
  await keeping.wait(59);
  assert.deepEqual(keeping.told, []);
  await keeping.wait(1);
  await keeping.wait(24 * 60 - 1);
  assert.deepEqual(keeping.told, ["checked 3"]);
  await keeping.wait(1);
  assert.deepEqual(keeping.told, ["checked 3", "checked 3"]);
});

test("a policy of a reload counts from the next look on", async () => {
  await using keeping = setUp();
  keeping.use({ collection: COLLECTION });
  await keeping.wait(5);
  keeping.use({});
  await keeping.wait(5);
  keeping.use({ checkEveryMs: MINUTE_MS });
  await keeping.wait(1);
  assert.deepEqual(keeping.told, ["collected", "checked 3"]);
});

test("what fails is told, and tried again when it is due again", async () => {
  let isBroken = true;
  await using keeping = setUp({
    collect: () => (isBroken ? Promise.reject(new Error("no disk")) : Promise.resolve(NOTHING)),
    check: () => Promise.reject(new Error("no process")),
  });
  keeping.use({ collection: COLLECTION, checkEveryMs: 60 * MINUTE_MS });
  await keeping.wait(5);
  isBroken = false;
  await keeping.wait(5);
  await keeping.wait(50);
  assert.deepEqual(keeping.told, [
    "collection: Error: no disk",
    "collected",
    "collected",
    "check: Error: no process",
  ]);
});

test("one thing is done at a time, and the end stops it and waits for it", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<AbortSignal>();
  const keeping = setUp({
    collect: async (_policy, signal) => {
      begin(signal);
      const { promise, reject } = Promise.withResolvers<Collection>();
      signal.addEventListener("abort", () => {
        reject(new Error("stopped"));
      });
      return await promise;
    },
  });
  keeping.use({ collection: COLLECTION });
  const waiting = keeping.wait(5);
  const signal = await begun;
  // It is under way: what is due meanwhile waits.
  const more = keeping.wait(100);
  await keeping[Symbol.asyncDispose]();
  await Promise.all([waiting, more]);
  assert.ok(signal.aborted);
  assert.deepEqual(keeping.told, []);
});
