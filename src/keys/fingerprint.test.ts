import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFingerprint } from "./fingerprint.ts";

const FULL = "0123456789abcdef0123456789abcdef01234567";

for (const text of [
  FULL,
  FULL.toUpperCase(),
  `0x${FULL}`,
  `0X${FULL.toUpperCase()}`,
  "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
]) {
  test(`${JSON.stringify(text)} is a fingerprint`, () => {
    assert.equal(parseFingerprint(text), FULL);
  });
}

test("a fingerprint of version 6 has 64 digits", () => {
  assert.equal(parseFingerprint("A".repeat(64)), "a".repeat(64));
});

for (const text of [
  "",
  "01234567",
  FULL.slice(24),
  FULL.slice(1),
  `${FULL}0`,
  `g${FULL.slice(1)}`,
]) {
  test(`${JSON.stringify(text)} is none: a part of one names many keys`, () => {
    assert.equal(parseFingerprint(text), undefined);
  });
}
