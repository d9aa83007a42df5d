import { availableParallelism } from "node:os";
import { test } from "node:test";
import type { Instant } from "../faults/mark.ts";
import { OPERATIONS } from "../faults/operations.ts";
import { tryPoints } from "../faults/try-points.ts";

const KINDS: Readonly<Record<string, readonly Instant[]>> = {
  killed: ["before", "middle"],
  failed: ["EIO", "ENOSPC"],
};

for (const [what, instants] of Object.entries(KINDS)) {
  for (const operation of OPERATIONS) {
    test(`${operation.name}, ${what} at every call that changes files`, async (t) => {
      const atOnce = availableParallelism();
      await tryPoints(t, operation, { own: Infinity, ofSqlite: Infinity, atOnce, instants });
    });
  }
}
