import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { mayMount } from "../real/index.ts";
import { differencesFromUmoci } from "./compare-with-umoci.ts";
import { plainStack } from "./stack-arbitrary.ts";
import { showStack } from "./stack-entry.ts";

/** More of them by name: `npm run fuzz -- merge-umoci`. */
describe("a converted image is the tree that umoci unpacks", () => {
  for (const [index, stack] of fc.sample(plainStack, { seed: 20_240_506, numRuns: 20 }).entries()) {
    test(`random stack ${index + 1}`, async (t) => {
      if (!(await mayMount(t))) return;
      assert.deepEqual(await differencesFromUmoci(t, stack), [], showStack(stack));
    });
  }
});
