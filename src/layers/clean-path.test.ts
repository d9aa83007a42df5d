import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError } from "../base/index.ts";
import { cleanPath } from "./clean-path.ts";
import { LayerError } from "./layer-error.ts";

const options = { limits: DEFAULT_LIMITS, what: "test" };

function clean(path: string): string {
  return Buffer.from(cleanPath(Buffer.from(path, "latin1"), options)).toString("latin1");
}

const paths = [
  ["", ""],
  [".", ""],
  ["./", ""],
  ["/", ""],
  ["..", ""],
  ["../..", ""],
  ["a", "a"],
  ["./a/", "a"],
  ["/a/f2", "a/f2"],
  ["//a/f4", "a/f4"],
  ["a//f1", "a/f1"],
  ["a/./f3", "a/f3"],
  ["a/b/../f5", "a/f5"],
  ["a/..", ""],
  ["a/../..", ""],
  ["../evil", "evil"],
  ["/../../evil2", "evil2"],
  ["ab/../c", "c"],
  ["ab/cd/../../e", "e"],
  ["...", "..."],
  ["a/.b/..c/d.", "a/.b/..c/d."],
  ["back\\slash/new\nline/\xff\xfe", "back\\slash/new\nline/\xff\xfe"],
] as const;

for (const [raw, cleaned] of paths) {
  test(`cleanPath makes ${JSON.stringify(cleaned)} of ${JSON.stringify(raw)}`, () => {
    assert.equal(clean(raw), cleaned);
  });
}

test("cleanPath takes a marker of the longest name, and none of a longer one", () => {
  assert.equal(clean(`a/.wh.${"b".repeat(255)}`).length, 261);
  assert.throws(() => clean(`a/.wh.${"b".repeat(256)}`), { code: "TAR_PATH" });
});

test("cleanPath takes a component of 255 bytes and refuses one of 256", () => {
  assert.equal(clean(`a/${"b".repeat(255)}/c`).length, 259);
  for (const path of [`${"b".repeat(256)}/c`, `a/${"b".repeat(256)}`, "b".repeat(256)]) {
    assert.throws(() => clean(path), { code: "TAR_PATH" });
  }
});

test("cleanPath holds the limits of the cleaned path, not of its spelling", () => {
  const limits = { ...DEFAULT_LIMITS, pathBytes: 7, pathDepth: 3 };
  const tight = (path: string): number =>
    cleanPath(Buffer.from(path), { limits, what: "test" }).length;
  assert.equal(tight("././././aa/bb/c"), 7);
  assert.throws(() => tight("aaa/bb/c"), { code: "LIMIT_PATH_BYTES" });
  assert.throws(() => tight("a/b/c/d"), { code: "LIMIT_PATH_DEPTH" });
});

test("cleanPath is done after one time, keeps its input, and never leaves the root", () => {
  const part = fc.constantFrom("", ".", "..", "...", "a", "bb", "/", "\xff", "c".repeat(256));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const raw = Buffer.from(parts.join("/"), "latin1");
      const before = Buffer.from(raw);
      try {
        const path = cleanPath(raw, options);
        const text = Buffer.from(path).toString("latin1");
        assert.deepEqual(cleanPath(path, options), path);
        const components = text === "" ? [] : text.split("/");
        assert.ok(components.every((it) => it !== "" && it !== "." && it !== ".."));
      } catch (error) {
        assert.ok(error instanceof LayerError || error instanceof LimitError);
      }
      assert.deepEqual(raw, before);
    }),
    { numRuns: 300, seed: 1 },
  );
});
