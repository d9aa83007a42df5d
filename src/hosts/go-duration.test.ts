import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoDuration } from "./go-duration.ts";

const durations = [
  ["0", 0],
  ["0s", 0],
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["2.s", 2000],
  ["100ms", 100],
  ["5us", 0.005],
  ["5µs", 0.005],
  ["5μs", 0.005],
  ["1s1s", 2000],
  ["", undefined],
  ["30", undefined],
  ["s", undefined],
  [".s", undefined],
  ["-1s", undefined],
  ["+1s", undefined],
  ["1 s", undefined],
  ["1d", undefined],
  ["1s ", undefined],
  ["1s2", undefined],
  ["9".repeat(400) + "s", undefined],
] as const;

for (const [text, ms] of durations) {
  test(`the Go duration ${JSON.stringify(text.slice(0, 20))} is ${ms ?? "none"}`, () => {
    assert.equal(parseGoDuration(text), ms);
  });
}
