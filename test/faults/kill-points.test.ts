import { test } from "node:test";
import { OPERATIONS } from "./operations.ts";
import { tryPoints } from "./try-points.ts";

/** Of each operation; `npm run test:slow` tries all. */
const SOME = { own: 3, ofSqlite: 1, atOnce: 1 };

for (const operation of OPERATIONS) {
  test(`${operation.name}, killed and failed at some of the calls that change files`, async (t) => {
    await tryPoints(t, operation, SOME);
  });
}
