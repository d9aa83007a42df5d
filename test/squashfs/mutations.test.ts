import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mutatedImage, readOrRefuse, truncatedImage } from "./mutated-image.ts";

// A small share, with a fixed seed, of what fuzz/squashfs.ts tries.

test("an image with bytes changed anywhere is read or refused", async () => {
  const outcomes = new Set<string>();
  const property = fc.asyncProperty(mutatedImage, async (bytes) => {
    outcomes.add(await readOrRefuse(bytes));
  });
  await fc.assert(property, { numRuns: 1500, seed: 3 });
  assert.equal(outcomes.size, 2, "some changes matter and some do not");
});

test("an image cut short is refused", async () => {
  const property = fc.asyncProperty(truncatedImage, async (bytes) => {
    assert.equal(await readOrRefuse(bytes), "refused");
  });
  await fc.assert(property, { numRuns: 100, seed: 5 });
});
