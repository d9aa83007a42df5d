import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ImageMaker, newDirectory, openTestStore } from "../../test/fixtures/store/index.ts";
import { FileSystemUsage, type ImageSources, type NodeImages } from "../cri/index.ts";
import { DaemonMetrics } from "../metrics/index.ts";
import type { Store } from "../store/index.ts";
import type { HousekeepingPolicy } from "./housekeeping.ts";
import { keepHouse, type HouseParts } from "./keep-house.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

interface Setup {
  readonly store: Store;
  readonly told: readonly string[];
  readonly metrics: DaemonMetrics;
  /** Directory of converted layers. */
  readonly packs: string;
  /** Keeps house by a policy until all that is due has been done. */
  readonly keep: (policy: HousekeepingPolicy, more?: Partial<HouseParts>) => Promise<void>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const directory = await newDirectory(t);
  let now = 0;
  const store = await openTestStore(join(directory, "store"), { now: () => now });
  t.after(() => store.close());
  const maker = new ImageMaker(await store.stage());
  const { publication } = await maker.make("old", {
    names: { tags: ["reg.test/old:1"], digests: [] },
  });
  await store.publish(publication, never);
  now = 100 * HOUR_MS;
  const cache = { directory: join(directory, "packs"), maxBytes: 1000 };
  await mkdir(cache.directory);
  const told: string[] = [];
  const warn = (message: string): void => {
    told.push(message);
  };
  const sources = { pins: [], defaults: { jobs: 1, cache } } as unknown as ImageSources;
  const images: NodeImages = { store, reader: store, sources: () => sources, now: () => now };
  const metrics = new DaemonMetrics({ version: "1", now: () => 0 });
  let clock = 0;
  return {
    store,
    told,
    metrics,
    packs: cache.directory,
    keep: async (policy, more = {}) => {
      const usage = await FileSystemUsage.of(store.directory, {
        now: () => now,
        usageOf: (directory) => store.usageOf(directory),
        onFailure: (error) => {
          warn(String(error));
        },
      });
      await using house = keepHouse({
        images,
        policy: () => policy,
        checkFiles: () => Promise.resolve({ images: 0, faults: [] }),
        usage,
        observer: {
          called: () => () => undefined,
          pulling: () => ({ onEvent: () => undefined, ended: () => undefined }),
          note: warn,
          warn,
        },
        metrics,
        clock: () => clock,
        ...more,
      });
      clock += 24 * HOUR_MS;
      house.tick();
      await house.settled();
      await usage.settled();
    },
  };
}

const COLLECTION = { lowPercent: 80, minAgeMs: HOUR_MS };

async function sample(metrics: DaemonMetrics, name: string): Promise<string | undefined> {
  return (await metrics.text()).split("\n").find((line) => line.startsWith(name));
}

test("an image that nobody used for long goes, and is told and counted", async (t) => {
  const { store, told, metrics, keep } = await setUp(t);
  await keep({ collection: { ...COLLECTION, maxAgeMs: 200 * HOUR_MS } });
  assert.equal((await store.list()).length, 1);
  assert.deepEqual(told, []);
  await keep({ collection: { ...COLLECTION, maxAgeMs: 50 * HOUR_MS } });
  assert.deepEqual(await store.list(), []);
  assert.match(told.join("\n"), /^collected image [0-9a-f]{64}: 3 bytes$/);
  const removed = 'siflet_removed_bytes_total{by="gc"}';
  assert.equal(await sample(metrics, removed), `${removed} 3`);
});

test("a file system above the mark loses converted layers first, of the same file system alone", async (t) => {
  const { store, told, keep, packs } = await setUp(t);
  await writeFile(join(packs, "pack"), Buffer.alloc(10));
  // Whatever this machine's disk holds is more than nothing of it.
  await keep({ collection: { highPercent: 0, lowPercent: 0, minAgeMs: HOUR_MS } });
  assert.deepEqual(await store.list(), []);
  assert.match(told.at(-1) ?? "", /^\d+ bytes more should go/);
});

test("what a check finds is told and counted, and so is one that failed", async (t) => {
  const { told, metrics, keep } = await setUp(t);
  const policy = { checkEveryMs: HOUR_MS };
  const faults = ["/store/images/a.sif: expected sha256 a, got b: removed"] as const;
  await keep(policy, { checkFiles: () => Promise.resolve({ images: 3, faults }) });
  await keep(policy, { checkFiles: () => Promise.reject(new Error("no memory")) });
  assert.deepEqual(told, [
    `check of all files: ${faults[0]}`,
    "the check of all files failed: no memory",
  ]);
  const checked = 'siflet_checked_images_total{result="faulty"}';
  assert.equal(await sample(metrics, checked), `${checked} 1`);
});
