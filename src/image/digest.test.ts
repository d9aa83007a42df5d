import assert from "node:assert/strict";
import { test } from "node:test";
import { digestHex, parseDigest } from "./digest.ts";

const hex = "0123456789abcdef".repeat(4);

test("parseDigest keeps the text, digestHex its digits", () => {
  assert.equal(parseDigest(`sha256:${hex}`), `sha256:${hex}`);
  assert.equal(digestHex(parseDigest(`sha256:${hex}`)), hex);
});

const refused = [
  { name: "no algorithm", text: hex },
  { name: "another algorithm", text: `sha512:${hex}${hex}` },
  { name: "upper case", text: `sha256:${hex.toUpperCase()}` },
  { name: "one digit less", text: `sha256:${hex.slice(1)}` },
  { name: "one digit more", text: `sha256:${hex}0` },
  { name: "a line break at the end", text: `sha256:${hex}\n` },
  { name: "nothing", text: "" },
];

for (const { name, text } of refused) {
  test(`parseDigest refuses ${name}`, () => {
    assert.throws(() => parseDigest(text), { code: "DIGEST_INVALID" });
  });
}
