import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { newDirectory } from "../../test/fixtures/store/index.ts";
import { EarlySync } from "./early-sync.ts";

test("a file that grows is taken by the disk without complaint", async (t) => {
  const path = join(await newDirectory(t), "file");
  await writeFile(path, "content");
  const early = new EarlySync(path);
  early.grown();
  early.grown();
  await early.settled();
  early.grown();
  await early.settled();
});

test("an early call that failed is told at the end, also where a later one went well", async (t) => {
  const path = join(await newDirectory(t), "file");
  const early = new EarlySync(path);
  early.grown();
  await assert.rejects(early.settled(), { code: "OUTPUT_FAILED" });
  await writeFile(path, "content");
  early.grown();
  await assert.rejects(early.settled(), { code: "OUTPUT_FAILED" });
});
