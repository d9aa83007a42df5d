import assert from "node:assert/strict";
import { mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PackWriter } from "./pack-writer.ts";

const MiB = 1024 * 1024;

test("a log that comes faster than the disk takes it waits for the disk", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-writer-"));
  await using file = await open(join(directory.path, "pack"), "wx");
  const writer = new PackWriter(file);
  for (let i = 0; i < 5; i += 1) writer.appendLog(new Uint8Array(MiB));
  await writer.settled();
  assert.equal((await file.stat()).size, 5 * MiB);
});
