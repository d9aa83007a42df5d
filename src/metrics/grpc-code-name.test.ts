import assert from "node:assert/strict";
import { test } from "node:test";
import { grpcCodeName } from "./grpc-code-name.ts";

for (const [name, shown] of [
  ["OK", "OK"],
  ["CANCELLED", "Canceled"],
  ["NOT_FOUND", "NotFound"],
  ["UNKNOWN", "Unknown"],
  ["FAILED_PRECONDITION", "FailedPrecondition"],
  ["DATA_LOSS", "DataLoss"],
] as const) {
  test(`${name} is ${shown}`, () => {
    assert.equal(grpcCodeName(name), shown);
  });
}
