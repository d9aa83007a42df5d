import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseDigest } from "../../src/image/index.ts";
import { parseLibraryPlace, pushToLibrary } from "../../src/push/index.ts";
import { setUpLibrary, type Dialect, type LibrarySetup } from "../fixtures/library/index.ts";
import { makeSif, type MadeSif } from "../fixtures/make-sif.ts";
import { never } from "../fixtures/pull-setup.ts";
import { digestOf } from "../fixtures/registry/index.ts";

const sif = makeSif();
const arm = makeSif({ seed: "arm", architecture: "arm64" });
const TARGET = "library://me/tools/app";
const REPOSITORY = "/v2/me/tools/app";

interface PushSetup extends LibrarySetup {
  /** Pushes a file; answers whether it was there. */
  readonly push: (file: MadeSif, target: string) => Promise<boolean>;
}

/** A library whose API takes no uploads. */
async function setUp(t: TestContext, dialect: Dialect = "sylabs"): Promise<PushSetup> {
  const setup = await setUpLibrary(t, dialect, { token: "good" });
  setup.library.tokens.add("good");
  setup.library.takesUploads = false;
  return {
    ...setup,
    push: async ({ bytes, sha256, architecture }, target) => {
      const path = join(setup.directory, `${sha256}.sif`);
      await writeFile(path, bytes);
      const file = {
        path,
        digest: parseDigest(`sha256:${sha256}`),
        size: bytes.length,
        title: "a.sif",
      };
      const facts = { architecture, isSigned: true, isEncrypted: false };
      const how = { facts, warn: () => undefined, onSent: () => undefined };
      const libraries = await setup.context.libraries();
      return await pushToLibrary(file, parseLibraryPlace(target), libraries, how, never);
    },
  };
}

/** What the registry has under a tag. */
async function documentUnder({ registry, library }: PushSetup, tag: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${library.registryToken}` };
  const response = await fetch(`${registry.url}${REPOSITORY}/manifests/${tag}`, { headers });
  return await response.json();
}

test("a library that takes no uploads itself is pushed to through its registry", async (t) => {
  const setup = await setUp(t);
  const { library, registry, push, pull } = setup;
  assert.equal(await push(sif, `${TARGET}:1,latest`), false);
  const [asked] = library.paths("GET").filter((path) => path.startsWith("/v1/oci-redirect"));
  const query = "namespace=me%2Ftools%2Fapp&accessTypes=pull%2Cpush&mapped=1";
  assert.equal(asked, `/v1/oci-redirect?${query}`);
  // The library sees what its registry was given.
  library.put("me/tools/app", sif, { tags: ["1", "latest"] });
  assert.equal((await pull("me/tools/app:1")).id, sif.sha256);
  assert.equal((await pull("me/tools/app")).id, sif.sha256);
  assert.deepEqual(await documentUnder(setup, `sha256.${sif.sha256}`), {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.sylabs.sif.config.v1+json",
      ...configOf(sif),
    },
    layers: [
      {
        mediaType: "application/vnd.sylabs.sif.layer.v1.sif",
        digest: `sha256:${sif.sha256}`,
        size: sif.bytes.length,
      },
    ],
  });
  const shown = new Set(registry.requests.map(({ headers }) => headers.authorization));
  assert.deepEqual([...shown], [undefined, "Bearer given-by-the-library"]);
});

/** The descriptor of the configuration that says what a file is. */
function configOf({ sha256, architecture }: MadeSif): object {
  const about = { architecture, os: "linux", rootfs: `sha256:${sha256}` };
  const bytes = Buffer.from(JSON.stringify({ ...about, signed: true, encrypted: false }));
  return { digest: digestOf(bytes), size: bytes.length };
}

test("what its registry has already is not sent again, and gets the new tag", async (t) => {
  const { registry, push } = await setUp(t);
  await push(sif, `${TARGET}:1`);
  registry.requests.length = 0;
  assert.equal(await push(sif, `${TARGET}:2`), true);
  assert.deepEqual(registry.paths("POST"), []);
  assert.deepEqual(registry.paths("PUT").at(-1), `${REPOSITORY}/manifests/2`);
});

test("a tag in its registry keeps the files of other architectures, and loses the old one of its own", async (t) => {
  const setup = await setUp(t);
  const { push } = setup;
  for (const file of [makeSif({ seed: "old" }), arm, sif]) await push(file, `${TARGET}:1`);
  const index = (await documentUnder(setup, "1")) as {
    manifests: { digest: string; platform: { architecture: string } }[];
  };
  const platforms = index.manifests.map(({ platform }) => platform.architecture);
  assert.deepEqual(platforms, ["arm64", "amd64"]);
  const [, newest] = index.manifests;
  const manifest = await documentUnder(setup, `sha256.${sif.sha256}`);
  assert.equal(newest?.digest, digestOf(Buffer.from(JSON.stringify(manifest))));
});

test("a token that the registry does not know any more in the middle of a push is renewed", async (t) => {
  const { library, registry, push } = await setUp(t);
  const challenge = { "www-authenticate": 'Bearer realm="https://none.test/"' };
  const fault = { method: "PUT", status: 401, headers: challenge, times: 2 } as const;
  registry.addFault(`${REPOSITORY}/manifests/1`, fault);
  assert.equal(await push(sif, `${TARGET}:1`), false);
  const redirects = library.paths("GET").filter((path) => path.startsWith("/v1/oci-redirect"));
  assert.equal(redirects.length, 2);
  const uploads = registry.paths("POST").length;
  assert.equal(uploads, 2, "the file and its configuration, each once");
});

test("a registry that does not know the library's token at all is REGISTRY_UNAUTHORIZED", async (t) => {
  const { library, registry, push } = await setUp(t);
  registry.guardWith({ challenge: () => 'Bearer realm="https://none.test/"', allows: () => false });
  await assert.rejects(push(sif, `${TARGET}:1`), { code: "REGISTRY_UNAUTHORIZED" });
  const redirects = library.paths("GET").filter((path) => path.startsWith("/v1/oci-redirect"));
  assert.equal(redirects.length, 1);
});

for (const dialect of ["enterprise", "hinkskalle", "sregistry"] as const) {
  test(`${dialect}: a library that takes no uploads and names no registry is LIBRARY_UNSUPPORTED`, async (t) => {
    const { push, registry } = await setUp(t, dialect);
    await assert.rejects(push(sif, `${TARGET}:1`), {
      code: "LIBRARY_UNSUPPORTED",
      message: /expected a library that takes uploads, got status 404$/,
    });
    assert.equal(registry.requests.length, 0);
  });
}

for (const step of ["/v2/imagefile/ID", "/v1/imagefile/ID"]) {
  test(`a library that keeps records and refuses ${step} is pushed to through its registry`, async (t) => {
    const { library, registry, push } = await setUp(t);
    library.takesUploads = true;
    library.apiVersion = step.startsWith("/v1") ? undefined : "2.0.0";
    library.uploads.isOffered = false;
    assert.equal(await push(sif, `${TARGET}:1`), false);
    assert.equal(registry.paths("PUT").at(-1), `${REPOSITORY}/manifests/1`);
    const asked = library.paths("POST").at(-1) ?? "";
    assert.ok(asked.startsWith(step.replace("ID", "")), asked);
  });
}

test("a refusal that is about who pushes does not lead to the registry", async (t) => {
  const { library, registry, push } = await setUp(t);
  library.addFault("/v1/entities", { method: "POST", status: 403 });
  await assert.rejects(push(sif, `${TARGET}:1`), { code: "LIBRARY_DENIED" });
  assert.equal(registry.requests.length, 0);
});
