import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { clearAway } from "./clear-away.ts";

test("clearAway removes a directory with all that is in it, and is content with none", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "siflet-base-"));
  t.after(() => rm(root, { recursive: true }));
  const directory = await mkdtemp(join(root, "work-"));
  await writeFile(join(directory, "file"), "bytes");
  await clearAway(directory);
  assert.deepEqual(await readdir(root), []);
  await clearAway(directory);
});

test("clearAway does not fail where the system does not remove it", async () => {
  await clearAway("/proc/self/fd");
  assert.ok((await readdir("/proc/self/fd")).length > 0);
});
