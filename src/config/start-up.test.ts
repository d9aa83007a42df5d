import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfigFile } from "./index.ts";

// In a file, and so a process, of its own: what is loaded once stays.

function isYamlLoaded(): boolean {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache).some((path) => path.includes("/node_modules/yaml/"));
}

test("the YAML parser is loaded where there is a file, and not before", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-config-"));
  const paths = [join(directory.path, "config.yaml")];
  assert.equal(await readConfigFile({ paths, isNamed: false }), undefined);
  assert.equal(isYamlLoaded(), false);
  await writeFile(paths.join(), "jobs: 1\n");
  assert.ok((await readConfigFile({ paths, isNamed: false })) !== undefined);
  assert.equal(isYamlLoaded(), true);
});
