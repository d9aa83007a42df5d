import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

function targetUpTo(most: number): FuzzTarget {
  return fuzzTarget({
    inputs: fc.nat(10_000),
    answer(input) {
      assert.ok(input <= most, "too large");
      return input % 2 === 0 ? "even" : "odd";
    },
    show: String,
    batch: 1000,
  });
}

const target = targetUpTo(8999);
const sound = targetUpTo(10_000);

test("a target tells the smallest input on which it fails, and the same one for the same seed", async () => {
  const { failure } = await target.run(5, target.batch);
  assert.equal(failure?.input, "9000");
  assert.ok(failure.error instanceof assert.AssertionError);
  assert.deepEqual((await target.run(5, target.batch)).failure?.input, failure.input);
});

test("a target counts its answers, the same for the same seed", async () => {
  const { answers, failure } = await sound.run(1, 30);
  assert.equal(failure, undefined);
  assert.equal((answers.get("even") ?? 0) + (answers.get("odd") ?? 0), 30);
  assert.deepEqual((await sound.run(1, 30)).answers, answers);
});
