import assert from "node:assert/strict";
import { test } from "node:test";
import { addressMatcher, isAddressRange } from "./index.ts";

for (const text of ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "10.1.2.3/32"]) {
  test(`${text} is a range of addresses`, () => {
    assert.equal(isAddressRange(text), true);
  });
}

for (const text of [
  "",
  "host",
  "10.0.0.0/33",
  "::1/129",
  "10.0.0",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "[::1]",
]) {
  test(`${JSON.stringify(text)} is no range of addresses`, () => {
    assert.equal(isAddressRange(text), false);
    assert.throws(() => addressMatcher([text]));
  });
}

test("a matcher knows the addresses of its ranges, in either family, and no others", () => {
  const matches = addressMatcher(["10.1.0.0/16", "fd00::5", "192.0.2.7"]);
  for (const address of ["10.1.0.0", "10.1.255.255", "fd00::5", "192.0.2.7"]) {
    assert.equal(matches(address), true, address);
  }
  for (const address of ["10.2.0.0", "fd00::6", "192.0.2.8", "example.test", ""]) {
    assert.equal(matches(address), false, address);
  }
  assert.equal(addressMatcher([])("10.1.0.0"), false);
});
