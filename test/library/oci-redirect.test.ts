import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setUpLibrary, type LibrarySetup } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { leftovers } from "../fixtures/pull-setup.ts";
import { digestOf, makeImage } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const sif = makeSif();
const arm = makeSif({ seed: "arm", architecture: "arm64" });
const REDIRECT = "/v1/oci-redirect";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";

/** A library with a registry behind it, which has `e/c/n` for amd64. */
async function setUp(t: TestContext, token?: string): Promise<LibrarySetup> {
  const setup = await setUpLibrary(t, "sylabs", token === undefined ? {} : { token });
  if (token !== undefined) setup.library.tokens.add(token);
  setup.library.put("e/c/n", sif);
  setup.library.publish("e/c/n", [sif]);
  return setup;
}

/** Whether the library itself was asked for the file. */
function askedForFile({ library }: LibrarySetup): boolean {
  return library.paths("GET").some((path) => path.startsWith("/v1/imagefile/"));
}

test("a manifest in the registry behind the library leads to the file", async (t) => {
  const setup = await setUp(t, "mine");
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
  assert.equal(askedForFile(setup), false);
  const [asked] = setup.library.paths("GET").filter((path) => path.startsWith(REDIRECT));
  assert.equal(asked, `${REDIRECT}?namespace=e%2Fc%2Fn&accessTypes=pull&mapped=1`);
  const tokens = setup.registry.requests.map(({ headers }) => headers.authorization);
  assert.deepEqual([...new Set(tokens)], [undefined, "Bearer given-by-the-library"]);
});

test("an index in the registry behind the library leads to the file for the architecture", async (t) => {
  const setup = await setUp(t);
  setup.library.put("e/c/n", arm);
  setup.library.publish("e/c/n", [sif, arm]);
  const platform = { os: "linux", architecture: "arm64" };
  assert.equal((await setup.pull("e/c/n", { platform })).id, arm.sha256);
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
  assert.equal(askedForFile(setup), false);
});

test("an index without sizes, as the vendor's clients push it, leads to the file", async (t) => {
  const setup = await setUp(t);
  setup.library.publish("e/c/n", [arm, sif], "latest", { hasSizes: false });
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
  assert.equal(askedForFile(setup), false);
  // What its digest does not fit is not taken for want of a size.
  const [asked] = setup.registry.paths("GET").filter((path) => path.includes("manifests/sha256:"));
  setup.registry.addFault(asked ?? "", { bytes: Buffer.from('{"schemaVersion":2}') });
  const other = await setup.store("other");
  await assert.rejects(setup.pull("e/c/n", {}, other), (error: Error) => {
    assert.ok("code" in error && /^CONTENT_/.test(String(error.code)), error.message);
    return true;
  });
});

test("a library without a registry is asked for one once an hour", async (t) => {
  const setup = await setUpLibrary(t, "hinkskalle");
  setup.library.put("e/c/n", sif);
  setup.library.put("e/c/n", arm);
  await setup.pull("e/c/n");
  await setup.pull("e/c/n", { platform: { os: "linux", architecture: "arm64" } });
  const asked = setup.library.paths("GET").filter((path) => path.startsWith(REDIRECT));
  assert.equal(asked.length, 1);
});

for (const [name, fault] of [
  ["a status of 500", { status: 500 }],
  ["a page", { bytes: Buffer.from("<html>") }],
  ["a cut connection", { reset: true }],
] as const) {
  test(`${name} instead of a registry is passed over, and the library gives the file`, async (t) => {
    const setup = await setUp(t);
    setup.library.addFault(REDIRECT, fault);
    assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
    assert.equal(askedForFile(setup), true);
  });
}

for (const [name, change] of [
  ["a URL that is none", { url: "registry" }],
  ["user info in the URL", { url: "https://me:you@registry.test/" }],
  ["a URL of another scheme", { url: "file:///etc/" }],
  ["a name that climbs out of its repository", { name: "e/../../v1" }],
  ["no name", { name: null }],
] as const) {
  test(`a registry with ${name} is LIBRARY_PROTOCOL`, async (t) => {
    const setup = await setUp(t);
    const answer = { url: `${setup.registry.url}/`, name: "e/c/n", token: "x", ...change };
    setup.library.addFault(REDIRECT, { bytes: Buffer.from(JSON.stringify(answer)) });
    await assert.rejects(setup.pull("e/c/n"), { code: "LIBRARY_PROTOCOL" });
    assert.equal(setup.registry.requests.length, 0);
  });
}

test("a registry at a metadata address is HTTP_ADDRESS_REFUSED", async (t) => {
  const setup = await setUp(t);
  const answer = { url: "https://169.254.169.254/", name: "e/c/n", token: "x" };
  setup.library.addFault(REDIRECT, { bytes: Buffer.from(JSON.stringify(answer)) });
  await assert.rejects(setup.pull("e/c/n"), { code: "HTTP_ADDRESS_REFUSED" });
});

test("an index under a wrong Content-Type is MANIFEST_INVALID", async (t) => {
  const setup = await setUp(t);
  setup.library.publish("e/c/n", [sif, arm]);
  setup.registry.addFault("/v2/e/c/n/manifests/latest", { headers: { "content-type": MANIFEST } });
  const { registry } = setup;
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
  registry.putManifest("e/c/n", Buffer.from(index), MANIFEST, "latest");
  await assert.rejects(setup.pull("e/c/n"), { code: "MANIFEST_INVALID" });
  assert.deepEqual(await leftovers(setup.images), []);
});

function putManifest({ registry }: LibrarySetup, config: object, layer: object): void {
  const document = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] };
  registry.putManifest("e/c/n", Buffer.from(JSON.stringify(document)), MANIFEST, "latest");
}

test("the type of the configuration decides nothing: the layer is the SIF that the hash says", async (t) => {
  const setup = await setUp(t);
  const layer = { mediaType: SIF_LAYER, digest: digestOf(sif.bytes), size: sif.bytes.length };
  putManifest(setup, { mediaType: "application/vnd.unknown.config.v1+json" }, layer);
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
});

test("a registry that has another file than the library says is CONTENT_DIGEST_MISMATCH", async (t) => {
  const setup = await setUp(t);
  const digest = setup.registry.putBlob(arm.bytes);
  const layer = { mediaType: SIF_LAYER, digest, size: arm.bytes.length };
  putManifest(setup, { mediaType: "application/vnd.sylabs.sif.config.v1+json" }, layer);
  await assert.rejects(setup.pull("e/c/n"), { code: "CONTENT_DIGEST_MISMATCH" });
  assert.equal(askedForFile(setup), false);
  assert.deepEqual(await leftovers(setup.images), []);
});

test("a registry that has no SIF under the name is LIBRARY_UNSUPPORTED", async (t) => {
  const setup = await setUp(t);
  const bytes = tar([{ path: "f", data: "x" }]);
  setup.registry.putImage("e/c/n", makeImage({ layers: [bytes] }), "latest");
  await assert.rejects(setup.pull("e/c/n"), { code: "LIBRARY_UNSUPPORTED" });
});

test("Hinkskalle's malformed digest header on blobs is not looked at", async (t) => {
  const setup = await setUp(t);
  const wrong = { "docker-content-digest": `sha256:sha256.${sif.sha256}` };
  setup.registry.addFault(`/v2/e/c/n/blobs/sha256:${sif.sha256}`, { headers: wrong });
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
});

test("an OCI image in the library comes out of its registry, and is converted", async (t) => {
  const setup = await setUp(t);
  const { library, registry, pull } = setup;
  const layers = [tar([{ path: "f", data: "of layers" }])];
  registry.putImage("e/c/oci", makeImage({ layers, config: { Cmd: ["run"] } }), "1");
  const message = "unsupported config application/vnd.oci.image.config.v1+json";
  library.addFault("/v1/images/e/c/oci:1", {
    status: 400,
    bytes: Buffer.from(JSON.stringify({ error: { code: 400, message } })),
  });
  const image = await pull("e/c/oci:1");
  assert.equal(image.origin, "layers");
  assert.deepEqual(image.names, { tags: ["cloud.sylabs.io/e/c/oci:1"], digests: [] });
  assert.deepEqual(JSON.parse(image.ociConfigJson ?? ""), { Cmd: ["run"] });
  library.addFault(REDIRECT, { status: 404 });
  await assert.rejects(pull("e/c/oci:1"), { code: "LIBRARY_UNSUPPORTED" });
});

test("a registry whose token expired in the middle is shown the one that the library gives now", async (t) => {
  const setup = await setUp(t);
  const blob = `/v2/e/c/n/blobs/sha256:${sif.sha256}`;
  setup.registry.addFault(blob, { method: "GET", truncateAt: 20_000, times: 1 });
  const challenge = { "www-authenticate": 'Bearer realm="https://none.test/"' };
  setup.registry.addFault(blob, { method: "GET", status: 401, headers: challenge, times: 2 });
  assert.equal((await setup.pull("e/c/n")).id, sif.sha256);
  const asked = setup.library.paths("GET").filter((path) => path.startsWith(REDIRECT));
  assert.equal(asked.length, 2);
});
