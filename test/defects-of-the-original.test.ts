/**
 * What Singularity-CRI's image service did wrong, by the letters and numbers that we know its defects
 * by. Those that concern one part alone are named in the tests of that part: B8, B17 to B19, B21 and B22
 * in store.test.ts, B12 in publication.test.ts, B14 in concurrency.test.ts, B16, B23 and B24 in
 * open-store.test.ts, B20 in reference.test.ts.
 */
import assert from "node:assert/strict";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { openFileSource } from "../src/base/index.ts";
import { openStore, parseRef, type ImageStore } from "../src/index.ts";
import { readSif } from "../src/sif/index.ts";
import { runHere } from "../src/cli/cli-fixture.ts";
import { makeImage, startRegistry, type FakeRegistry } from "./fixtures/registry/index.ts";
import { newDirectory } from "./fixtures/store/index.ts";
import { tar } from "./fixtures/tar/index.ts";

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  const image = makeImage({ layers: [tar([{ path: "f", data: "x" }])], config: { User: "1000" } });
  for (const name of ["busybox", "busybox2"]) registry.putImage(name, image, "latest");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

async function open(t: TestContext, settings = {}): Promise<ImageStore> {
  const store = await openStore(await newDirectory(t), settings);
  t.after(async () => {
    await store.close();
  });
  return store;
}

test("B1: a port is no tag, and a colon in a path cuts nothing off", () => {
  assert.deepEqual(parseRef("localhost:5000/img").tags(), ["localhost:5000/img:latest"]);
  assert.deepEqual(parseRef("local.file/a:b/c:d.sif").tags(), ["local.file/a:b/c:d.sif"]);
});

test("B2: every spelling of a name is one image", async (t) => {
  const store = await open(t);
  const { id } = await store.pull(`${registry.host}/busybox`);
  const { path } = await store.find(id);
  const other = await open(t);
  await other.add(path, { names: ["busybox"] });
  for (const name of ["busybox", "docker.io/library/busybox", "index.docker.io/busybox:latest"]) {
    assert.equal((await other.find(name)).id, id);
  }
  assert.equal((await other.list()).length, 1);
});

test("B3: malformed references are refused before anything is asked", async (t) => {
  const store = await open(t);
  const asked = registry.requests.length;
  for (const text of ["", " ", "A", "a@sha256:1", "a:b:c", "http://a/b", "a//b"]) {
    await assert.rejects(store.pull(text), /./);
    await assert.rejects(store.find(text), { code: "NOT_FOUND" });
  }
  assert.equal(registry.requests.length, asked);
});

test("B4: a digest is recognised by its place and not by a piece of text", () => {
  const hash = "ab".repeat(32);
  const library = parseRef(`cloud.sylabs.io/a/b/c@sha256:${hash}`);
  assert.deepEqual(library.digests(), [`cloud.sylabs.io/a/b/c:sha256.${hash}`]);
  assert.deepEqual(parseRef("cloud.sylabs.io/sha256.x/b/c:1").tags(), [
    "cloud.sylabs.io/sha256.x/b/c:1",
  ]);
});

test("B9: pulling once more gives the same id and no second file", async (t) => {
  const [one, two] = [await open(t), await open(t)];
  const first = await one.pull(`${registry.host}/busybox`);
  assert.equal((await one.pull(`${registry.host}/busybox`)).id, first.id);
  assert.equal((await two.pull(`${registry.host}/busybox2`)).id, first.id);
  assert.equal((await readdir(join(one.directory, "images"))).length, 1);
});

test("B10: pulls at once are one", async (t) => {
  const store = await open(t);
  const before = registry.paths("GET").length;
  const name = `${registry.host}/busybox`;
  await Promise.all([store.pull(name), store.pull(name), store.pull(`docker://${name}:latest`)]);
  // Manifest, configuration and layer.
  assert.equal(registry.paths("GET").length - before, 3);
});

test("B11: what a tag means is known, and asked for before anything is fetched", async (t) => {
  const store = await open(t);
  const info = await store.pull(`${registry.host}/busybox`);
  assert.match(info.ref.digests().join(), /busybox@sha256:[0-9a-f]{64}$/);
  const before = registry.paths("GET").length;
  await store.pull(`${registry.host}/busybox`);
  assert.equal(registry.paths("GET").length, before);
});

test("B15: a lost index is made again, and no image is out of reach", async (t) => {
  const directory = await newDirectory(t);
  const store = await openStore(directory);
  const { id } = await store.pull(`${registry.host}/busybox`);
  await store.close();
  for (const name of ["siflet.db", "siflet.db.backup"]) await rm(join(directory, name));
  await using again = await openStore(directory);
  const found = await again.find(id);
  assert.deepEqual(found.ociConfig, { User: "1000" });
  assert.equal((await again.pull(`${registry.host}/busybox`)).id, id);
});

test("B25: local files lie in allowed directories, and are known after a restart", async (t) => {
  const source = await open(t);
  const { path, id } = await source.pull(`${registry.host}/busybox`);
  const allowed = await newDirectory(t);
  const file = join(allowed, "my.sif");
  await copyFile(path, file);
  const directory = await newDirectory(t);
  const settings = { localDirectories: [allowed] };
  const store = await openStore(directory, settings);
  await store.pull(`local.file${file}`);
  await assert.rejects(store.pull(`local.file${path}`), { code: "LOCAL_FILE_REFUSED" });
  await store.close();
  await using again = await openStore(directory, settings);
  assert.equal((await again.find(`local.file${file}:latest`)).id, id);
});

test("B27: the command line takes a name for that name, the package for a prefix", async (t) => {
  const directory = await newDirectory(t);
  for (const name of ["busybox", "busybox2"]) {
    const pulled = await runHere(["pull", `${registry.host}/${name}`], { directory });
    assert.equal(pulled.exitCode, 0);
  }
  await runHere(["untag", `${registry.host}/busybox`], { directory });
  const { exitCode } = await runHere(["path", `${registry.host}/busybox`], { directory });
  assert.equal(exitCode, 3);
  const store = await open(t);
  await store.pull(`${registry.host}/busybox2`);
  const filter = { image: { image: `${registry.host}/busybox` } };
  assert.equal((await store.list(filter)).length, 1);
});

test("B34: a SIF whose configuration cannot be read is no image", async (t) => {
  const store = await open(t);
  const { path } = await store.pull(`${registry.host}/busybox`);
  const file = join(await newDirectory(t), "broken.sif");
  const bytes = await readFile(path);
  await using source = await openFileSource(path);
  const { descriptors } = await readSif(source, new AbortController().signal);
  const config = descriptors.find(({ name }) => name === "oci-config.json");
  bytes.write("[", config?.offset ?? 0);
  await writeFile(file, bytes);
  const other = await open(t);
  await assert.rejects(other.add(file), { code: /^(?:JSON|CONFIG)_INVALID$/ });
  await assert.rejects(other.pull(`local.file${file}`), { code: /^(?:JSON|CONFIG)_INVALID$/ });
  assert.deepEqual(await other.list(), []);
});

test("B35: the list tells what the look-up tells", async (t) => {
  const store = await open(t);
  const info = await store.pull(`${registry.host}/busybox`);
  await info.borrow("me");
  const [listed] = await store.list();
  const found = await store.find(info.id);
  assert.deepEqual(listed?.toJSON(), found.toJSON());
  assert.deepEqual(listed.usedBy(), found.usedBy());
});
