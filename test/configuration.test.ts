import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "../src/base/index.ts";
import {
  DEFAULT_PROFILE,
  readConfigFile,
  resolveConfig,
  shownSettings,
  type Config,
} from "../src/config/index.ts";

// Holds docs/configuration.md and docs/doctor.md to the code.

const root = resolve(import.meta.dirname, "..");

/** What the example of docs/configuration.md sets, for root. */
async function example(): Promise<Config> {
  const page = await readFile(join(root, "docs/configuration.md"), "utf8");
  const text = /^```yaml\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-docs-"));
  const path = join(directory.path, "config.yaml");
  await writeFile(path, text);
  const parsed = await readConfigFile({ paths: [path], isNamed: true });
  assert.deepEqual(parsed?.problems, []);
  return resolveConfig({}, parsed.file, {
    variables: {},
    workingDirectory: "/",
    homeDirectory: "/root",
    isRoot: true,
    parallelism: 8,
  });
}

test("the example of docs/configuration.md has every key, and no other", async () => {
  const shown = shownSettings(await example());
  assert.ok(shown.length > 20, "settings were found");
  const missing = shown.filter(({ origin }) => origin.kind !== "file").map(({ key }) => key);
  assert.deepEqual(missing, []);
});

test("the example of docs/configuration.md has the limits that hold by default", async () => {
  assert.deepEqual((await example()).values.limits, DEFAULT_LIMITS);
});

test("the example of docs/configuration.md makes images as they are made by default", async () => {
  const { compression, owners, layout } = (await example()).values;
  assert.deepEqual({ compression, owners, layout }, DEFAULT_PROFILE);
});

test("docs/doctor.md names every check", async () => {
  const page = await readFile(join(root, "docs/doctor.md"), "utf8");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const documented = rows.flatMap(([, , check = ""]) => /^`([a-z-]+)`$/.exec(check)?.[1] ?? []);
  const folder = join(root, "src/doctor");
  const names = (await readdir(folder)).filter((name) => !/(test|fixture)\.ts$/.test(name));
  const sources = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  const found = sources.flatMap((text) =>
    Array.from(text.matchAll(/\b(?:check: |about\()"([a-z-]+)"/g), ([, check]) => check),
  );
  assert.ok(found.length > 20, "checks were found");
  assert.deepEqual([...new Set(documented)].sort(), [...new Set(found)].sort());
});
