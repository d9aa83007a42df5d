import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs, DEFAULT_RETRY, parseRetryAfter, systemClock } from "./retry.ts";

const pauses = [
  { number: 2, random: 0.999, ms: 499.5 },
  { number: 3, random: 0.5, ms: 500 },
  { number: 4, random: 0, ms: 0 },
  { number: 40, random: 0.5, ms: 15_000 },
];
for (const { number, random, ms } of pauses) {
  test(`the pause before try ${number} at jitter ${random} is ${ms} ms`, () => {
    assert.equal(backoffMs(DEFAULT_RETRY, number, random), ms);
  });
}

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const values = [
  [undefined, undefined],
  ["", undefined],
  ["0", 0],
  ["120", 120_000],
  ["-5", undefined],
  ["1.5", undefined],
  ["Fri, 02 Jan 2026 03:04:06 GMT", 1000],
  ["Friday, 02-Jan-26 03:04:06 GMT", 1000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["later", undefined],
] as const;
for (const [value, ms] of values) {
  test(`Retry-After ${JSON.stringify(value)} is ${ms ?? "unreadable"}`, () => {
    assert.equal(parseRetryAfter(value, NOW), ms);
  });
}

test("any Retry-After is unreadable or a finite number of at least 0", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const ms = parseRetryAfter(value, NOW);
      assert.ok(ms === undefined || (Number.isFinite(ms) && ms >= 0));
    }),
    { numRuns: 200 },
  );
});

test("an abort ends a pause of the real clock with an AbortError", async () => {
  const controller = new AbortController();
  const pause = systemClock.sleep(3_600_000, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(pause, { name: "AbortError", cause: new Error("enough") });
});
