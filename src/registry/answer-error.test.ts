import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseServerErrors } from "./answer-error.ts";

test("the first three errors of a body are read, their texts cut to 300 characters", () => {
  const errors = Array.from({ length: 1000 }, (_, i) => ({
    code: `E${i}`,
    message: "m".repeat(1000),
  }));
  const read = parseServerErrors(Buffer.from(JSON.stringify({ errors })));
  assert.deepEqual(
    read.map(({ code, message }) => [code, message.length]),
    [
      ["E0", 300],
      ["E1", 300],
      ["E2", 300],
    ],
  );
});

test("any JSON and any bytes are read without an error", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
        fc.jsonValue().map((errors) => Buffer.from(JSON.stringify({ errors }))),
        fc.array(fc.jsonValue()).map((errors) => Buffer.from(JSON.stringify({ errors }))),
      ),
      (body) => {
        for (const { code, message } of parseServerErrors(body)) {
          assert.equal(typeof code, "string");
          assert.equal(typeof message, "string");
        }
      },
    ),
    { numRuns: 200 },
  );
});
