import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { pullToStore } from "../../src/pull/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { setUpLibrary, type PutOptions } from "../fixtures/library/index.ts";
import { leftovers, never } from "../fixtures/pull-setup.ts";

const UUID = "5c4b2f0e-9d1a-4c3b-8e7f-001122334455";
const sif = makeSif({ uuidHex: UUID.replaceAll("-", "") });
const other = makeSif({ seed: "other" });
const FILE = "/v1/imagefile/e/c/n:latest";

const lies: readonly { readonly name: string; readonly put: PutOptions; readonly code: string }[] =
  [
    {
      name: "a size that is too small",
      put: { metadata: { size: sif.bytes.length - 1 } },
      code: "CONTENT_SIZE_MISMATCH",
    },
    {
      name: "a size that is too large",
      put: { metadata: { size: sif.bytes.length + 1 } },
      code: "CONTENT_SIZE_MISMATCH",
    },
    {
      name: "the hash of other bytes",
      put: { metadata: { hash: `sha256.${"0".repeat(64)}` } },
      code: "CONTENT_DIGEST_MISMATCH",
    },
    { name: "no size", put: { metadata: { size: undefined } }, code: "LIBRARY_UNVERIFIED" },
    { name: "the size 0", put: { metadata: { size: 0 } }, code: "LIBRARY_UNVERIFIED" },
    { name: "no hash", put: { metadata: { hash: undefined } }, code: "LIBRARY_UNVERIFIED" },
    {
      name: "a hash of another kind",
      put: { metadata: { hash: "md5.0" } },
      code: "LIBRARY_UNVERIFIED",
    },
    { name: "an old hash", put: { metadata: { hash: `sif.${UUID}` } }, code: "LIBRARY_UNVERIFIED" },
    { name: "half a hash", put: { metadata: { hash: "sha256.0" } }, code: "LIBRARY_PROTOCOL" },
    { name: "a size of half a byte", put: { metadata: { size: 0.5 } }, code: "LIBRARY_PROTOCOL" },
    { name: "a hash that is no text", put: { metadata: { hash: 7 } }, code: "LIBRARY_PROTOCOL" },
    {
      name: "that nothing was uploaded",
      put: { metadata: { uploaded: false } },
      code: "NOT_FOUND",
    },
  ];

for (const { name, put, code } of lies) {
  test(`a library that says ${name} is ${code}, and nothing is left behind`, async (t) => {
    const { library, pull, images } = await setUpLibrary(t, "hinkskalle");
    library.put("e/c/n", sif, put);
    await assert.rejects(pull("e/c/n"), { code });
    assert.deepEqual(await leftovers(images), []);
  });
}

test("other bytes than the hash says are asked for once more, and good ones are taken", async (t) => {
  const { library, pull } = await setUpLibrary(t, "hinkskalle");
  library.put("e/c/n", sif);
  library.addFault(FILE, { bytes: Buffer.alloc(sif.bytes.length), times: 1 });
  assert.equal((await pull("e/c/n")).id, sif.sha256);
});

test("a sha256. in the name holds whatever the library says", async (t) => {
  const { library, pull, images } = await setUpLibrary(t, "hinkskalle");
  const pinned = `e/c/n:sha256.${sif.sha256}`;
  const tags = [`sha256.${sif.sha256}`];
  library.put("e/c/n", other, { tags });
  await assert.rejects(pull(pinned), { code: "CONTENT_DIGEST_MISMATCH" });
  assert.equal(library.paths("GET").filter((path) => path.includes("imagefile")).length, 0);
  assert.deepEqual(await leftovers(images), []);
});

test("a sha256. in the name stands for the hash of a library that says none", async (t) => {
  const { library, pull, store } = await setUpLibrary(t, "hinkskalle");
  const tags = [`sha256.${sif.sha256}`];
  library.put("e/c/n", sif, { tags, metadata: { hash: undefined } });
  const image = await pull(`e/c/n@sha256:${sif.sha256}`);
  assert.equal(image.id, sif.sha256);
  assert.deepEqual(image.names, { tags: [], digests: [`cloud.sylabs.io/e/c/n:${tags[0] ?? ""}`] });
  library.put("e/c/bad", sif, { tags, metadata: { hash: undefined }, file: other.bytes });
  await assert.rejects(pull(`e/c/bad:${tags[0] ?? ""}`, {}, await store("other")), {
    code: "CONTENT_DIGEST_MISMATCH",
  });
});

const unverified: readonly { readonly name: string; readonly metadata: PutOptions["metadata"] }[] =
  [
    { name: "no hash", metadata: { hash: undefined } },
    { name: "neither hash nor size", metadata: { hash: undefined, size: undefined } },
    { name: "an old hash", metadata: { hash: `sif.${UUID}` } },
  ];

for (const { name, metadata } of unverified) {
  test(`an unverified library may say ${name}: the file comes with a warning`, async (t) => {
    const setup = await setUpLibrary(t, "sregistry", { isUnverified: true });
    setup.library.put("e/c/n", sif, { metadata: metadata ?? {} });
    const image = await setup.pull("e/c/n");
    assert.equal(image.id, sif.sha256);
    assert.ok((await readFile(image.path)).equals(sif.bytes));
    const warnings = setup.events.filter(({ kind }) => kind === "warning");
    assert.match(JSON.stringify(warnings), /it came unverified/);
    assert.equal(image.source.unverified, true);
    assert.deepEqual(image.names.digests, [`cloud.sylabs.io/e/c/n:sha256.${sif.sha256}`]);
  });
}

test("an unverified library may say no size: the hash that it says is enough, without a warning", async (t) => {
  const setup = await setUpLibrary(t, "sregistry", { isUnverified: true });
  setup.library.put("e/c/n", sif, { metadata: { size: undefined } });
  const image = await setup.pull("e/c/n");
  assert.deepEqual([image.id, image.source.unverified], [sif.sha256, undefined]);
  assert.ok(!setup.events.some(({ kind }) => kind === "warning"));
});

test("an unverified library that tells a hash and a size is held to them, without a warning", async (t) => {
  const { library, pull, events, images } = await setUpLibrary(t, "sregistry", {
    isUnverified: true,
  });
  library.put("e/c/n", sif);
  library.put("e/c/bad", sif, { file: other.bytes });
  await assert.rejects(pull("e/c/bad"), { code: "CONTENT_DIGEST_MISMATCH" });
  await pull("e/c/n");
  assert.deepEqual(
    events.filter(({ kind }) => kind === "warning"),
    [],
  );
  const [image] = await images.list();
  assert.equal(image?.source.unverified, undefined);
});

const partly = [
  { name: "size", metadata: { hash: undefined, size: 5 }, code: "CONTENT_SIZE_MISMATCH" },
  {
    name: "hash",
    metadata: { hash: `sha256.${"0".repeat(64)}`, size: undefined },
    code: "CONTENT_DIGEST_MISMATCH",
  },
  {
    name: "id of the SIF",
    metadata: { hash: `sif.${UUID.replace("5c", "5d")}` },
    code: "CONTENT_DIGEST_MISMATCH",
  },
] as const;

for (const { name, metadata, code } of partly) {
  test(`an unverified library is held to the ${name} that it does tell`, async (t) => {
    const { library, pull, images } = await setUpLibrary(t, "hinkskalle", { isUnverified: true });
    library.put("e/c/n", sif, { metadata });
    await assert.rejects(pull("e/c/n"), { code });
    assert.deepEqual(await leftovers(images), []);
  });
}

test("an unverified file without Content-Length that never ends is LIMIT_IMAGE_BYTES", async (t) => {
  const { library, context, images, options } = await setUpLibrary(t, "hinkskalle", {
    isUnverified: true,
  });
  library.put("e/c/n", sif, { metadata: { hash: undefined, size: undefined } });
  library.addFault(FILE, { endless: true });
  const limits = { ...context.limits, imageBytes: 1_000_000 };
  await assert.rejects(
    pullToStore(images, "library://e/c/n", { ...context, limits }, options(), never),
    { code: "LIMIT_IMAGE_BYTES" },
  );
  assert.deepEqual(await leftovers(images), []);
});
