import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LayerFeed } from "./layer-feed.ts";

function feedOf(path: string): LayerFeed {
  return new LayerFeed({ kind: "spool", path }, () => undefined);
}

async function textOf(feed: LayerFeed): Promise<string> {
  return Buffer.concat(await Array.fromAsync(feed.bytes())).toString();
}

test("a spool file need not be there before its first bytes are", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-feed-"));
  const path = join(directory.path, "blob");
  const feed = feedOf(path);
  const reading = textOf(feed);
  await writeFile(path, "abc");
  feed.grown(2);
  feed.grown(3);
  feed.end();
  assert.equal(await reading, "abc");
});

test("an empty blob has an empty file", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-feed-"));
  const path = join(directory.path, "blob");
  const feed = feedOf(path);
  const reading = textOf(feed);
  await writeFile(path, "");
  feed.end();
  assert.equal(await reading, "");
});

test("a blob that fails before its first byte is told as what it failed with", async () => {
  const feed = feedOf("/nowhere/blob");
  const reading = textOf(feed);
  feed.fail(new Error("cut off"));
  await assert.rejects(reading, { message: "cut off" });
});

test("a file that is shorter than what is told changes while it is read", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-feed-"));
  const path = join(directory.path, "blob");
  await writeFile(path, "ab");
  const feed = feedOf(path);
  feed.grown(3);
  await assert.rejects(textOf(feed), { code: "CONTENT_SIZE_MISMATCH" });
});
