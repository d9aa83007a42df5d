import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { differencesFromUmoci } from "../test/merge/compare-with-umoci.ts";
import { plainStack } from "../test/merge/stack-arbitrary.ts";
import { showStack } from "../test/merge/stack-entry.ts";

/**
 * `node fuzz/merge-umoci.ts SECONDS [SEED]`, as root: unpacks random stacks of layers with umoci
 * and compares with their conversion, for that long or until two differ.
 */
const [seconds = "60", seed = `${Date.now() % 2 ** 31}`] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
/** For each seed. */
const STACKS = 10;

test("random stacks are the trees that umoci unpacks", async (t) => {
  let next = Number(seed);
  for (let tried = next; tried === next && performance.now() < end; tried += 1) {
    await t.test(`seed ${tried}`, async (t) => {
      for (const stack of fc.sample(plainStack, { seed: tried, numRuns: STACKS })) {
        assert.deepEqual(await differencesFromUmoci(t, stack), [], showStack(stack));
      }
      next += 1;
    });
  }
});
