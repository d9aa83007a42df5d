import assert from "node:assert/strict";
import { test } from "node:test";
import { isSameDomain } from "./index.ts";

const rows = [
  { one: "127.0.0.1", other: "127.0.0.1", same: true },
  { one: "127.0.0.1", other: "127.0.0.2", same: false },
  { one: "cloud", other: "cloud", same: true },
  { one: "cloud", other: "library", same: false },
  { one: "cloud.sylabs.io", other: "library.sylabs.io", same: true },
  { one: "a.example.co.uk", other: "example.co.uk", same: true },
  { one: "a.co.uk", other: "b.co.uk", same: false },
  { one: "a.github.io", other: "b.github.io", same: false },
  { one: "sylabs.io", other: "sylabs.io.evil.test", same: false },
];

for (const { one, other, same } of rows) {
  test(`${one} and ${other} are ${same ? "" : "not "}of one domain`, async () => {
    assert.equal(await isSameDomain(one, other), same);
    assert.equal(await isSameDomain(other, one), same);
  });
}
