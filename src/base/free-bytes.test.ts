import assert from "node:assert/strict";
import { test } from "node:test";
import { freeBytes } from "./free-bytes.ts";
import { joinBytes } from "./join-bytes.ts";

const LARGE = 64 * 1024;

test("bytes that have a buffer to themselves are gone, all others stay", () => {
  for (const size of [1, 1000, LARGE, 10 * LARGE]) {
    const alone = new Uint8Array(size).fill(7);
    freeBytes(alone);
    assert.equal(alone.length, 0);
  }
  const shared = new Uint8Array(LARGE).fill(7);
  for (const part of [shared.subarray(1), shared.subarray(0, LARGE - 1)]) freeBytes(part);
  assert.equal(shared.length, LARGE);
  const pooled = Buffer.from("small");
  freeBytes(pooled);
  assert.equal(pooled.toString(), "small");
  const between = new Uint8Array(new SharedArrayBuffer(LARGE));
  freeBytes(between);
  assert.equal(between.length, LARGE);
});

test("bytes are joined though each chunk is gone when the next one is asked for", async () => {
  async function* chunks(): AsyncIterable<Uint8Array> {
    for (const value of [1, 2, 3]) {
      const chunk = new Uint8Array(LARGE).fill(value);
      yield await Promise.resolve(chunk);
      freeBytes(chunk);
    }
  }
  const joined = await joinBytes(chunks());
  assert.equal(joined.length, 3 * LARGE);
  assert.deepEqual([joined[0], joined[LARGE], joined[2 * LARGE]], [1, 2, 3]);
});
