import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSizeExactly, parseSize } from "./size.ts";

const sizes = [
  { text: "0", bytes: 0 },
  { text: "4095", bytes: 4095 },
  { text: "4095B", bytes: 4095 },
  { text: "1kB", bytes: 1000 },
  { text: "1KB", bytes: 1000 },
  { text: "1KiB", bytes: 1024 },
  { text: "500MB", bytes: 500_000_000 },
  { text: "500 MB", bytes: 500_000_000 },
  { text: "10GiB", bytes: 10_737_418_240 },
  { text: "2TB", bytes: 2e12 },
  { text: "2TiB", bytes: 2 ** 41 },
  { text: "9007199254740991", bytes: Number.MAX_SAFE_INTEGER },
];

for (const { text, bytes } of sizes) {
  test(`${text} is ${bytes} bytes`, () => {
    assert.equal(parseSize(text), bytes);
  });
}

const none = ["", "B", "-1", "+1", "1.5GiB", "1G", "1g", "1gib", "1 GiB ", "1  GiB", "1iB", "1kiB"];

for (const text of [...none, "0x10", "1e3", "9007199254740992", "8192TiB", "1PiB", "1_000"]) {
  test(`${JSON.stringify(text)} is no size`, () => {
    assert.equal(parseSize(text), undefined);
  });
}

test("a size as it is written reads back as the same", () => {
  const bytes = fc.oneof(
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.nat({ max: 2 ** 20 }).map((count) => count * 2 ** 30),
    fc.nat({ max: 2 ** 20 }).map((count) => count * 1e9),
  );
  fc.assert(
    fc.property(bytes, (size) => parseSize(formatSizeExactly(size)) === size),
    { numRuns: 300 },
  );
});

test("a size is written in the largest unit that it is a multiple of", () => {
  assert.deepEqual([0, 999, 1024, 1_500_000, 10 * 2 ** 30].map(formatSizeExactly), [
    "0",
    "999",
    "1KiB",
    "1500kB",
    "10GiB",
  ]);
});
