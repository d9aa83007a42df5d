import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { expectedOutcome, mergedOutcome } from "./merge-outcome.ts";
import { validStack, wildStack } from "./stack-arbitrary.ts";
import { showStack, type Stack } from "./stack-entry.ts";

const SEED = 20_240_506;

describe("merging layers equals the reference model", () => {
  test("for stacks of whatever layers may hold, refusals included", () => {
    fc.assert(fc.property(wildStack, isAsModel), { seed: SEED, numRuns: 1500 });
  });

  test("for stacks without anything that is refused", () => {
    fc.assert(fc.property(validStack, isAsModel), { seed: SEED, numRuns: 1500 });
  });
});

function isAsModel(stack: Stack): void {
  assert.deepEqual(mergedOutcome(stack), expectedOutcome(stack), showStack(stack));
}
