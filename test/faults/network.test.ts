import { test } from "node:test";
import { checkCounts, pullUnderFaults } from "./network-pulls.ts";

test("pulls under network faults end right or with a code, and never wrong", async (t) => {
  checkCounts(t, await pullUnderFaults(t, { pulls: 60, seed: 20_261_126 }));
});
