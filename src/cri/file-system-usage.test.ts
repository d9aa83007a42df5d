import assert from "node:assert/strict";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { newDirectory } from "../../test/fixtures/store/index.ts";
import { UsageWalk, type UsagePart } from "../store/index.ts";
import { FileSystemUsage } from "./file-system-usage.ts";

/** One entry at a time, and all else between them. */
async function* usageOf(directory: string): AsyncIterable<UsagePart> {
  using walk = new UsageWalk(directory);
  for (;;) {
    const part = walk.next(1);
    yield await Promise.resolve(part);
    if (part.isDone) return;
  }
}

async function blocksOf(...paths: readonly string[]): Promise<number> {
  const all = await Promise.all(paths.map((path) => stat(path)));
  return all.reduce((sum, { blocks }) => sum + blocks * 512, 0);
}

test("everything below a directory counts, and a measure is made again when it is old", async (t) => {
  const directory = await newDirectory(t);
  const [below, file, later] = ["below", "below/file", "later"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  await mkdir(below);
  await writeFile(file, Buffer.alloc(100_000, 1));
  let now = 1000;
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const usage = await FileSystemUsage.of(directory, { now: () => now, usageOf, onFailure });
  const first = { at: 1000, bytes: await blocksOf(directory, below, file), inodes: 3 };
  assert.deepEqual(usage.get(), first);

  await writeFile(later, Buffer.alloc(50_000, 1));
  now = 20_000;
  assert.deepEqual(usage.get(), first);
  now = 40_000;
  // At once what is known; the next time what was measured meanwhile.
  assert.deepEqual(usage.get(), first);
  await usage.settled();
  const second = { at: 40_000, bytes: await blocksOf(directory, below, file, later), inodes: 4 };
  assert.deepEqual(usage.get(), second);

  const freed = await blocksOf(later);
  await rm(later);
  usage.freed(freed);
  assert.deepEqual(usage.get(), { at: 40_000, bytes: second.bytes - freed, inodes: 3 });
  await usage.settled();
  assert.deepEqual(usage.get(), {
    ...first,
    at: 40_000,
    bytes: await blocksOf(directory, below, file),
  });
});

test("a measure that fails leaves the one before, and is told", async (t) => {
  const directory = await newDirectory(t);
  const inner = join(directory, "inner");
  await mkdir(inner);
  const failures: unknown[] = [];
  const usage = await FileSystemUsage.of(inner, {
    now: () => 1000,
    usageOf,
    onFailure: (error) => failures.push(error),
  });
  const before = usage.get();
  await rm(inner, { recursive: true });
  await writeFile(inner, "a file now");
  usage.changed();
  usage.get();
  await usage.settled();
  assert.equal(failures.length, 0);
  assert.ok(usage.get().inodes <= before.inodes);
});

test("what is freed counts at once, also where a measure that saw it is still being made", async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, "file");
  await writeFile(file, Buffer.alloc(10_000, 1));
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const usage = await FileSystemUsage.of(directory, { now: () => 7, usageOf, onFailure });
  const size = await blocksOf(file);
  const { bytes: before } = usage.get();
  usage.changed();
  usage.get();
  // The measure has begun, and the file is there for it.
  usage.freed(size);
  assert.equal(usage.get().bytes, before - size);
  await usage.settled();
  assert.equal(usage.get().bytes, before - size);
});
