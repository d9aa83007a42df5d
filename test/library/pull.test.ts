import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "../../src/base/index.ts";
import { pullToFile, pullToStore } from "../../src/pull/index.ts";
import { infoOf } from "../../src/store/index.ts";
import { setUpLibrary, type Dialect } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { leftovers, never } from "../fixtures/pull-setup.ts";

const sif = makeSif();
const arm = makeSif({ seed: "arm", architecture: "arm64" });

const DIALECTS: readonly Dialect[] = ["sylabs", "enterprise", "hinkskalle", "sregistry"];

for (const dialect of DIALECTS) {
  test(`${dialect}: an image is pulled as it is, and has its name and its hash`, async (t) => {
    const { library, pull, images } = await setUpLibrary(t, dialect);
    library.put("e/c/n", sif, { tags: ["1", "latest"] });
    if (dialect === "sylabs") library.publish("e/c/n", [sif], "1");
    const image = await pull("e/c/n:1");
    assert.equal(image.id, sif.sha256);
    assert.ok((await readFile(image.path)).equals(sif.bytes));
    assert.deepEqual([image.origin, image.sideLoaded], ["sif", false]);
    assert.deepEqual(image.names, {
      tags: ["cloud.sylabs.io/e/c/n:1"],
      digests: [`cloud.sylabs.io/e/c/n:sha256.${sif.sha256}`],
    });
    assert.deepEqual(image.source, {
      reference: "library://e/c/n:1",
      host: "cloud.sylabs.io",
      layers: [],
    });
    assert.deepEqual(await readdir(join(images.directory, "tmp")), []);
  });

  test(`${dialect}: what is there under the same hash is not fetched again, and gets the new name`, async (t) => {
    const { library, objects, registry, pull } = await setUpLibrary(t, dialect);
    library.put("e/c/n", sif, { tags: ["1", "2"] });
    if (dialect === "sylabs") library.publish("e/c/n", [sif], "1");
    await pull("e/c/n:1");
    for (const server of [library, objects, registry]) server.requests.length = 0;
    const image = await pull("e/c/n:2");
    assert.deepEqual(image.names.tags, ["cloud.sylabs.io/e/c/n:1", "cloud.sylabs.io/e/c/n:2"]);
    assert.deepEqual(library.paths("GET"), ["/v1/images/e/c/n:2?arch=amd64"]);
    assert.equal(objects.requests.length + registry.requests.length, 0);
  });
}

test("an image of another library has its library in its name, and is found by it", async (t) => {
  const { library, context, options, images } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif);
  const reference = `library://${library.host}/e/c/n`;
  const image = await pullToStore(images, reference, context, options(), never);
  assert.deepEqual(image.names, {
    tags: [`${reference}:latest`],
    digests: [`${reference}:sha256.${sif.sha256}`],
  });
  assert.deepEqual(infoOf(image).ref.toJSON(), {
    uri: `library://${library.host}`,
    tags: ["e/c/n:latest"],
    digests: [`e/c/n:sha256.${sif.sha256}`],
  });
  assert.equal(infoOf(image).ref.toString(), `${reference}:latest`);
});

test("the architecture is always asked for, and the image for it comes", async (t) => {
  const { library, pull } = await setUpLibrary(t, "hinkskalle");
  library.put("e/c/n", sif);
  library.put("e/c/n", arm);
  assert.equal((await pull("e/c/n")).id, sif.sha256);
  const platform = { os: "linux", architecture: "arm64" };
  assert.equal((await pull("e/c/n", { platform })).id, arm.sha256);
  const asked = library.paths("GET").filter((path) => path.includes("/e/c/n"));
  assert.ok(asked.length >= 4);
  assert.ok(asked.slice(0, 2).every((path) => path.endsWith("?arch=amd64")));
  assert.ok(asked.slice(-2).every((path) => path.endsWith("?arch=arm64")));
});

test("an architecture that is missing is PLATFORM_NOT_FOUND, with those that there are", async (t) => {
  const { library, pull, images } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif, { tags: ["1"] });
  library.put("e/c/n", makeSif({ architecture: "ppc64le" }), { tags: ["1"] });
  library.put("e/c/n", arm, { tags: ["2"] });
  const platform = { os: "linux", architecture: "arm64" };
  await assert.rejects(pull("e/c/n:1", { platform }), {
    code: "PLATFORM_NOT_FOUND",
    message: /has no image for linux\/arm64; it has linux\/amd64, linux\/ppc64le$/,
  });
  await assert.rejects(pull("e/c/n:3"), { code: "NOT_FOUND" });
  await assert.rejects(pull("e/c/other"), { code: "NOT_FOUND" });
  assert.deepEqual(await leftovers(images), []);
});

test("a library that gives another architecture than it was asked for is not believed", async (t) => {
  const { library, pull, images } = await setUpLibrary(t, "enterprise");
  library.put("e/c/says", { ...arm, architecture: "amd64" }, { metadata: { arch: "arm64" } });
  library.put("e/c/lies", { ...arm, architecture: "amd64" });
  for (const item of ["e/c/says", "e/c/lies"]) {
    await assert.rejects(pull(item), { code: "PLATFORM_NOT_FOUND" });
  }
  assert.deepEqual(await leftovers(images), []);
});

test("what a library says of an architecture is harmless on a terminal", async (t) => {
  const { library, pull } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif, { metadata: { arch: "\u001b[2J\u202eevil\n" } });
  await assert.rejects(pull("e/c/n"), (error: Error) => {
    assert.ok("code" in error && error.code === "PLATFORM_NOT_FOUND");
    assert.match(error.message, /it has linux\/\[2J evil$/);
    return true;
  });
});

test("a short name is followed to what the server fills in, and empty parts of paths stay", async (t) => {
  const { library, pull } = await setUpLibrary(t, "hinkskalle");
  library.put("default/default/alpine", sif);
  const image = await pull("alpine:latest");
  assert.equal(image.id, sif.sha256);
  assert.deepEqual(image.names.tags, ["cloud.sylabs.io/alpine:latest"]);
  const metadata = library.paths("GET").filter((path) => path.startsWith("/v1/images/"));
  assert.deepEqual(metadata, [
    "/v1/images/alpine:latest?arch=amd64",
    "/v1/images/default//alpine:latest?arch=amd64",
    "/v1/images/default/default/alpine:latest?arch=amd64",
  ]);
});

test("a pull to a file gives the library's file, and nothing beside it", async (t) => {
  const { library, directory, context, options } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif);
  const path = join(directory, "out.sif");
  const how = { ...options(), force: false };
  const reference = "cloud.sylabs.io/e/c/n";
  const file = await pullToFile(directory, () => path, reference, context, how, never);
  assert.deepEqual([file.id, file.origin, file.path], [sif.sha256, "sif", path]);
  assert.ok((await readFile(path)).equals(sif.bytes));
  assert.deepEqual((await readdir(directory)).sort(), ["out.sif", "store"]);
});

test("a private image is had with a token that the library knows, and by nobody else", async (t) => {
  const { library, pull, images } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif, { isPrivate: true });
  library.tokens.add("good");
  const token = (secret: string): object => ({
    libraryToken: { secret: new Secret(secret), described: "the caller" },
  });
  await assert.rejects(pull("e/c/n"), { code: "LIBRARY_UNAUTHORIZED", status: 401 });
  await assert.rejects(pull("e/c/n", token("bad-one")), (error: Error) => {
    assert.match(error.message, /expected the token of the caller to be good/);
    assert.ok(!error.message.includes("bad-one"));
    return true;
  });
  assert.equal((await pull("e/c/n", token("good"))).id, sif.sha256);
  // Now that its file is there, it is still nobody's who may not read it.
  await assert.rejects(pull("e/c/n"), { code: "LIBRARY_UNAUTHORIZED" });
  assert.equal((await images.list()).length, 1);
});
