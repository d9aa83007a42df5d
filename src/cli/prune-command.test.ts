import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { assertFailure, newDirectory, runHere, type CliResult } from "./cli-fixture.ts";

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  const layers = [tar([{ path: "base", data: "b" }]), tar([{ path: "top", data: "t" }])];
  registry.putImage("app", makeImage({ layers }), "1");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

async function pull(directory: string, ...options: readonly string[]): Promise<CliResult> {
  return await runHere(["pull", `${registry.host}/app:1`, ...options], { directory });
}

test("pull keeps converted layers in the store, prune --cache removes them", async (t) => {
  const directory = await newDirectory(t);
  assert.equal((await pull(directory)).exitCode, 0);
  const packs = join(directory, "store/packs/gzip-1");
  assert.equal((await readdir(packs)).length, 2);
  const pruned = await runHere(["prune", "--cache"], { directory });
  assert.match(pruned.stdout, /^removed 2 converted layers, \d+ B\n$/);
  assert.deepEqual(await readdir(packs), []);
  const again = await runHere(["prune", "--cache", "--json"], { directory });
  assert.equal(again.stdout, '{"packs":0,"bytes":0,"images":[],"kept":[]}\n');
  const images = await runHere(["images", "--json"], { directory });
  assert.match(images.stdout, /app:1/);
});

test("pull --no-cache, and a cache of 0 bytes, keep none", async (t) => {
  const directory = await newDirectory(t);
  assert.equal((await pull(directory, "--no-cache")).exitCode, 0);
  const config = join(directory, "config.yaml");
  await writeFile(config, "cache: { maxBytes: 0 }\n");
  assert.equal((await pull(directory, "--owners", "root", "--config", config)).exitCode, 0);
  assert.ok(!(await readdir(join(directory, "store"))).includes("packs"));
});

test("--cache-dir and SIFLET_CACHEDIR say where, also without a store", async (t) => {
  const directory = await newDirectory(t);
  for (const name of ["flag", "variable"]) await mkdir(join(directory, name));
  const flag = join(directory, "flag");
  assert.equal((await pull(directory, "--no-store", "--cache-dir", flag)).exitCode, 0);
  assert.deepEqual(await readdir(flag), ["gzip-1"]);
  const variables = { SIFLET_STORE: "store", SIFLET_CACHEDIR: join(directory, "variable") };
  const result = await runHere(["pull", `${registry.host}/app:1`], {
    directory,
    environment: { variables },
  });
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  assert.deepEqual(await readdir(join(directory, "variable")), ["gzip-1"]);
  assert.ok(!(await readdir(join(directory, "store"))).includes("packs"));
});

test("prune without anything to remove is a usage error", async (t) => {
  const directory = await newDirectory(t);
  assertFailure(await runHere(["prune"], { directory }), 2, /--cache/);
});

test("an empty directory is a store without images", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "empty"));
  const result = await runHere(["images", "--json", "--store", "empty"], { directory });
  assert.deepEqual([result.exitCode, result.stdout.trim()], [0, "[]"]);
});
