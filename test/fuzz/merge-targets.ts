import assert from "node:assert/strict";
import fc from "fast-check";
import { differencesFromUmoci } from "../merge/compare-with-umoci.ts";
import { expectedOutcome, mergedOutcome } from "../merge/merge-outcome.ts";
import { plainStack, validStack, wildStack } from "../merge/stack-arbitrary.ts";
import { showStack } from "../merge/stack-entry.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

/** Stacks of layers, merged: as the reference model says. */
export const mergeTarget: FuzzTarget = fuzzTarget({
  inputs: fc.oneof(wildStack, validStack),
  answer(stack) {
    const outcome = mergedOutcome(stack);
    assert.deepEqual(outcome, expectedOutcome(stack));
    return "code" in outcome ? outcome.code : "merged";
  },
  show: showStack,
  batch: 1000,
});

/** Stacks of layers, converted, as root: the kernel reads what umoci unpacks. */
export const mergeUmociTarget: FuzzTarget = fuzzTarget({
  inputs: plainStack,
  async answer(stack) {
    await using resources = new AsyncDisposableStack();
    const cleanup = {
      after(release: () => Promise<void>) {
        resources.defer(release);
      },
    };
    assert.deepEqual(await differencesFromUmoci(cleanup, stack), []);
    return "the same";
  },
  show: showStack,
  batch: 10,
  memoryMiB: 1000,
});
