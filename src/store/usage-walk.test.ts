import assert from "node:assert/strict";
import { lstat, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { newDirectory, openTestStore } from "../../test/fixtures/store/index.ts";
import { UsageWalk } from "./usage-walk.ts";

/** All parts of a walk together. */
function sumOf(walk: UsageWalk, most: number): { bytes: number; inodes: number; parts: number } {
  const sum = { bytes: 0, inodes: 0, parts: 0 };
  for (;;) {
    const part = walk.next(most);
    assert.ok(part.inodes <= most);
    sum.bytes += part.bytes;
    sum.inodes += part.inodes;
    sum.parts += 1;
    if (part.isDone) return sum;
  }
}

test("a directory and all below it are measured, in parts of any size, and no link is followed", async (t) => {
  const directory = await newDirectory(t);
  const inner = join(directory, "inner");
  await mkdir(inner);
  const paths = [directory, inner, ...[1, 2, 3].map((n) => join(inner, String(n)))];
  for (const path of paths.slice(2)) await writeFile(path, Buffer.alloc(20_000, 1));
  const link = join(inner, "link");
  await symlink("/usr", link);
  paths.push(link);
  let bytes = 0;
  for (const path of paths) bytes += (await lstat(path)).blocks * 512;
  for (const most of [1, 2, 5, 100]) {
    using walk = new UsageWalk(directory);
    const sum = sumOf(walk, most);
    assert.equal(sum.inodes, paths.length);
    assert.equal(sum.bytes, bytes);
    assert.ok(most === 100 ? sum.parts === 1 : sum.parts >= sum.inodes / most);
  }
});

test("what goes away while it is measured takes up nothing, and a file is measured alone", async (t) => {
  const directory = await newDirectory(t);
  const [gone, file] = [join(directory, "gone"), join(directory, "file")];
  await mkdir(gone);
  using walk = new UsageWalk(directory);
  assert.equal(walk.next(2).inodes, 2);
  await rm(gone, { recursive: true });
  assert.equal(sumOf(walk, 10).inodes, 0);
  using missing = new UsageWalk(gone);
  assert.deepEqual(sumOf(missing, 10), { bytes: 0, inodes: 0, parts: 1 });
  await writeFile(file, "x");
  using alone = new UsageWalk(file);
  assert.equal(sumOf(alone, 10).inodes, 1);
});

test("a store tells what a directory takes up, and holds none open for who leaves", async (t) => {
  const directory = await newDirectory(t);
  const many = join(directory, "many");
  await mkdir(many);
  await Promise.all(
    Array.from({ length: 600 }, (_, number) => writeFile(join(many, String(number)), "")),
  );
  await using store = await openTestStore(join(directory, "store"));
  const opened = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
  const before = await opened();
  let inodes = 0;
  for await (const part of store.usageOf(many)) inodes += part.inodes;
  assert.equal(inodes, 601);
  for await (const part of store.usageOf(many)) if (part.inodes > 0) break;
  assert.equal(await opened(), before);
});
