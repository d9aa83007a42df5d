import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const PART = /^`(?<path>[^`]+)`(?:: (?<tests>"[^"]+"(?:, "[^"]+")*))?$/;

const page = await readFile(join(import.meta.dirname, "acceptance.md"), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()));

test("there are promises", () => {
  assert.ok(rows.length > 30);
});

for (const [, promise = "", heldBy = ""] of rows) {
  test(`of "${promise}" every test exists`, async () => {
    for (const part of heldBy.split("; ")) {
      const { path = "", tests = "" } = PART.exec(part)?.groups ?? {};
      assert.notEqual(path, "", `${part}: expected a file and names of its tests`);
      const code = await readFile(join(REPOSITORY, path), "utf8");
      for (const [, name = ""] of tests.matchAll(/"([^"]+)"/g)) {
        assert.ok(code.includes(name), `${path} has no "${name}"`);
      }
    }
  });
}
