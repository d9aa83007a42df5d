import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import * as siflet from "../src/index.ts";
import { EXIT, EXIT_CODES } from "../src/cli/index.ts";

// The compiler holds EXIT_CODES to the unions of all classes; this holds docs/errors.md to both.

const root = resolve(import.meta.dirname, "..");

interface Row {
  readonly code: string;
  readonly classes: readonly string[];
  readonly exit: number;
}

/** The rows of all tables whose first column is a code. */
function documented(): Row[] {
  const text = readFileSync(join(root, "docs/errors.md"), "utf8");
  return text.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const code = /^`([A-Z0-9_]+)`$/.exec(cells[1] ?? "")?.[1];
    if (code === undefined) return [];
    assert.equal(cells.length, 7, `${code}: five cells`);
    assert.ok(
      cells.slice(1, 6).every((cell) => cell !== ""),
      `${code}: no empty cell`,
    );
    return [{ code, classes: (cells[2] ?? "").split(", "), exit: Number(cells[5]) }];
  });
}

/** Names of the classes in src/ that extend CodedError, and the codes that their files name. */
function declared(): Map<string, string> {
  const source = join(root, "src");
  const found = new Map<string, string>();
  for (const name of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
    const text = readFileSync(join(source, name), "utf8");
    for (const [, className = ""] of text.matchAll(/class (\w+) extends CodedError\b/g)) {
      found.set(className, text);
    }
  }
  return found;
}

const rows = documented();

test("docs/errors.md has each code once, and no other", () => {
  assert.deepEqual(rows.map(({ code }) => code).sort(), Object.keys(EXIT_CODES).sort());
});

test("docs/errors.md gives each code its exit code", () => {
  assert.deepEqual(Object.fromEntries(rows.map(({ code, exit }) => [code, exit])), EXIT_CODES);
});

test("docs/errors.md names for each code the classes that have it, and no class is missing", () => {
  const classes = declared();
  assert.ok(classes.size > 10, "classes were found");
  assert.deepEqual(
    [...new Set(rows.flatMap((row) => row.classes))].sort(),
    [...classes.keys()].sort(),
  );
  for (const { code, classes: named } of rows) {
    for (const name of named) {
      assert.ok(classes.get(name)?.includes(`"${code}"`), `${name} has the code ${code}`);
    }
  }
});

test("every class that the library can throw is exported from the package root", () => {
  // Of the command line and its daemon alone.
  const ours = ["AdminError", "CliError", "DaemonError"];
  const thrown = [...declared().keys()].filter((name) => !ours.includes(name));
  assert.deepEqual(
    thrown.filter((name) => !(name in siflet)),
    [],
  );
});

test("exit codes stay within what a shell leaves to programs", () => {
  const used = [...new Set(Object.values(EXIT))];
  assert.equal(used.length, Object.keys(EXIT).length, "no number twice");
  assert.ok(used.every((code) => code >= 0 && code < 126));
});
