import { test } from "node:test";
import { checkCounts, pullUnderFaults } from "../faults/network-pulls.ts";

test("500 pulls under network faults end right or with a code, and never wrong", async (t) => {
  checkCounts(t, await pullUnderFaults(t, { pulls: 500, seed: 1 }));
});
