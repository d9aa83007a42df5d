import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readAtMost } from "./read-at-most.ts";

test("a file is read whole up to the bound, and not at all beyond it", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-read-"));
  const path = join(directory.path, "file");
  await writeFile(path, "abc");
  assert.deepEqual(await readAtMost(path, 4), Buffer.from("abc"));
  assert.deepEqual(await readAtMost(path, 3), Buffer.from("abc"));
  assert.equal(await readAtMost(path, 2), undefined);
  await assert.rejects(readAtMost(join(directory.path, "none"), 3), { code: "ENOENT" });
});

test("a file that tells no size is read too", async () => {
  const bytes = await readAtMost("/proc/self/status", 64 * 1024);
  assert.match(String(bytes), /^Name:/);
});
