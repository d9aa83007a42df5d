import { isDeepStrictEqual } from "node:util";
import process from "node:process";
import fc from "fast-check";
import { expectedOutcome, mergedOutcome } from "../test/merge/merge-outcome.ts";
import { validStack, wildStack } from "../test/merge/stack-arbitrary.ts";
import { showStack, type Stack } from "../test/merge/stack-entry.ts";

/**
 * `node fuzz/merge.ts SECONDS [SEED]`: merges random stacks of layers and compares with the
 * reference model, for that long. Prints the seed that it ends with, and the first stack, made
 * small, on which the two differ.
 */
const [seconds = "60", seed = `${Date.now() % 2 ** 31}`] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
const runs = 1000;
let total = 0;

for (let next = Number(seed); performance.now() < end; next += 1) {
  for (const stacks of [wildStack, validStack]) {
    const details = fc.check(fc.property(stacks, isAsModel), { seed: next, numRuns: runs });
    total += details.numRuns;
    if (details.counterexample === null) continue;
    const [stack] = details.counterexample;
    console.error(`seed ${next} differs after ${total} stacks\n${showStack(stack)}`);
    console.error("expected", expectedOutcome(stack), "\ngot", mergedOutcome(stack));
    process.exit(1);
  }
}
console.log(`${total} stacks from seed ${seed} on: all as the model says`);

function isAsModel(stack: Stack): boolean {
  return isDeepStrictEqual(mergedOutcome(stack), expectedOutcome(stack));
}
