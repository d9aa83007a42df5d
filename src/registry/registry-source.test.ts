import assert from "node:assert/strict";
import { test } from "node:test";
import {
  digestOf,
  type FakeRegistry,
  type Fault,
  makeImage,
  makeIndex,
  openTestClient,
  startRegistry,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS, joinBytes } from "../base/index.ts";
import type { Descriptor, ImageName } from "../image/index.ts";
import { Registries, type RegistrySource, UNLABELLED } from "./index.ts";

const never = new AbortController().signal;
const image = makeImage({ layers: [Buffer.alloc(100_000, "tar")], compression: "none" });
const { manifest } = image;
const layer: Descriptor = image.layers[0] ?? manifest;
const TAG = "/v2/team/app/manifests/1.0";
const MANIFEST = `/v2/team/app/manifests/${manifest.digest}`;
const BLOB = `/v2/team/app/blobs/${layer.digest}`;

interface Setup extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly source: RegistrySource;
}

/** A registry with `image` as team/app:1.0, and the source for it. */
async function setUp(
  name: Partial<ImageName> = { tag: "1.0" },
  limits: Partial<typeof DEFAULT_LIMITS> = {},
): Promise<Setup> {
  const registry = await startRegistry();
  registry.putImage("team/app", image, "1.0");
  const http = openTestClient();
  const { client } = http;
  const registries = new Registries({ client, limits: { ...DEFAULT_LIMITS, ...limits } });
  const source = registries.open({ domain: registry.host, repository: "team/app", ...name });
  return {
    registry,
    source,
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

async function read(source: RegistrySource, descriptor: Descriptor): Promise<Buffer> {
  return Buffer.from(await joinBytes(source.fetch(descriptor, never)));
}

test("a tag resolves by one HEAD, with all four manifest types accepted and no weights", async () => {
  await using on = await setUp();
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(
    on.registry.requests.map(({ method, path }) => `${method} ${path}`),
    [`HEAD ${TAG}`],
  );
  const accept = on.registry.requests[0]?.headers.accept ?? "";
  assert.deepEqual(accept.split(", ").toSorted(), [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
  ]);
  assert.equal(on.source.origin, on.registry.host);
});

test("a digest decides over a tag, and needs no digest header", async () => {
  await using on = await setUp({ tag: "other", digest: manifest.digest });
  on.registry.addFault(MANIFEST, { headers: { "docker-content-digest": null } });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(on.registry.paths("GET"), []);
});

const unusable: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: "is denied", fault: { status: 403 } },
  { name: "is not allowed", fault: { status: 405 } },
  { name: "has no digest", fault: { headers: { "docker-content-digest": null } } },
  {
    name: "has a digest of another kind",
    fault: { headers: { "docker-content-digest": "md5:1" } },
  },
  { name: "has no length", fault: { headers: { "content-length": null } } },
  { name: "has length 0", fault: { headers: { "content-length": "0" } } },
  { name: "has no type", fault: { headers: { "content-type": null } } },
];
for (const { name, fault } of unusable) {
  test(`where HEAD ${name}, GET and hashing resolve`, async () => {
    await using on = await setUp();
    on.registry.addFault(TAG, { ...fault, method: "HEAD" });
    assert.deepEqual(await on.source.resolve(never), manifest);
    assert.deepEqual(on.registry.paths("GET"), [TAG]);
  });
}

for (const type of [null, "nonsense", "\u00e9/x"]) {
  test(`a manifest of type ${JSON.stringify(type)} is labelled ${UNLABELLED}`, async () => {
    await using on = await setUp();
    on.registry.addFault(TAG, { headers: { "content-type": type } });
    on.registry.addFault(MANIFEST, { headers: { "content-type": type } });
    const descriptor = await on.source.resolve(never);
    assert.equal(descriptor.mediaType, UNLABELLED);
    assert.equal((await on.source.fetchDocument(descriptor, never)).mediaType, UNLABELLED);
  });
}

test("the bytes behind a digest are checked when they have to resolve it", async () => {
  await using on = await setUp({ digest: manifest.digest });
  on.registry.addFault(MANIFEST, { method: "HEAD", status: 405 });
  on.registry.addFault(MANIFEST, { bytes: Buffer.from("{}") });
  await assert.rejects(on.source.resolve(never), { code: "CONTENT_DIGEST_MISMATCH" });
});

test("a document is the bytes of its descriptor, its type without parameters", async () => {
  await using on = await setUp();
  on.registry.addFault(MANIFEST, { headers: { "content-type": "Application/JSON; charset=x" } });
  assert.deepEqual(await on.source.fetchDocument(manifest, never), {
    bytes: Buffer.from(image.manifestBytes),
    mediaType: "application/json",
  });
});

test("an index and the images in it are documents of the repository", async () => {
  await using on = await setUp({ tag: "all" });
  const index = makeIndex([{ image, platform: { os: "linux", architecture: "arm64" } }], "docker");
  on.registry.putIndex("team/app", index, "all");
  const descriptor = await on.source.resolve(never);
  assert.deepEqual(descriptor, index.descriptor);
  const { bytes } = await on.source.fetchDocument(descriptor, never);
  assert.deepEqual(bytes, Buffer.from(index.bytes));
});

test("a blob is streamed", async () => {
  await using on = await setUp();
  assert.equal(digestOf(await read(on.source, layer)), layer.digest);
  assert.deepEqual(on.registry.paths("GET"), [BLOB]);
});

const changed = Buffer.from(image.manifestBytes).fill("x");
const badDocuments: readonly {
  readonly name: string;
  readonly fault: Fault;
  readonly code: string;
}[] = [
  { name: "other bytes", fault: { bytes: changed }, code: "CONTENT_DIGEST_MISMATCH" },
  { name: "fewer bytes", fault: { bytes: changed.subarray(1) }, code: "CONTENT_SIZE_MISMATCH" },
  {
    name: "fewer bytes, unannounced",
    fault: { bytes: changed.subarray(1), headers: { "content-length": null } },
    code: "CONTENT_SIZE_MISMATCH",
  },
  { name: "an endless body", fault: { endless: true }, code: "CONTENT_SIZE_MISMATCH" },
  { name: "a cut connection", fault: { truncateAt: 10 }, code: "HTTP_UNREACHABLE" },
];
for (const { name, fault, code } of badDocuments) {
  test(`a document with ${name} is ${code}`, async () => {
    await using on = await setUp();
    on.registry.addFault(MANIFEST, fault);
    await assert.rejects(on.source.fetchDocument(manifest, never), { code });
  });
}

test("a document that its descriptor says is too large is not asked for", async () => {
  await using on = await setUp();
  const large = { ...manifest, size: DEFAULT_LIMITS.manifestBytes + 1 };
  await assert.rejects(on.source.fetchDocument(large, never), { code: "LIMIT_MANIFEST_BYTES" });
  assert.deepEqual(on.registry.requests, []);
});

const oversize: readonly { readonly name: string; readonly fault: Fault }[] = [
  {
    name: "by its Content-Length",
    fault: { headers: { "content-length": "5000000" }, stallAt: 0 },
  },
  { name: "by an endless body", fault: { endless: true } },
];
for (const { name, fault } of oversize) {
  test(`a manifest too large ${name} is LIMIT_MANIFEST_BYTES, its connection closed`, async () => {
    await using on = await setUp();
    on.registry.addFault(TAG, { method: "HEAD", status: 405 });
    on.registry.addFault(TAG, fault);
    await assert.rejects(on.source.resolve(never), { code: "LIMIT_MANIFEST_BYTES" });
    // The HEAD's connection may be kept; the one with the body may not.
    await on.registry.connectionsAtMost(1);
  });
}

test("a manifest of exactly the limit resolves, one byte more is LIMIT_MANIFEST_BYTES", async () => {
  for (const [limit, code] of [
    [manifest.size, undefined],
    [manifest.size - 1, "LIMIT_MANIFEST_BYTES"],
  ] as const) {
    await using on = await setUp({ tag: "1.0" }, { manifestBytes: limit });
    on.registry.addFault(TAG, { method: "HEAD", status: 405 });
    on.registry.addFault(TAG, { headers: { "content-length": null } });
    if (code === undefined) assert.deepEqual(await on.source.resolve(never), manifest);
    else await assert.rejects(on.source.resolve(never), { code });
  }
});

test("a blob whose Content-Length is not its size is CONTENT_SIZE_MISMATCH, before a byte", async () => {
  await using on = await setUp();
  on.registry.addFault(BLOB, { headers: { "content-length": "7" }, stallAt: 0 });
  await assert.rejects(read(on.source, layer), { code: "CONTENT_SIZE_MISMATCH" });
});

test("a blob that is cut is HTTP_UNREACHABLE, after the bytes that came", async () => {
  await using on = await setUp();
  on.registry.addFault(BLOB, { truncateAt: 1000 });
  let got = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of on.source.fetch(layer, never)) got += chunk.length;
    },
    { code: "HTTP_UNREACHABLE" },
  );
  assert.equal(got, 1000);
});

const answers: readonly {
  readonly name: string;
  readonly fault: Fault;
  readonly expected: Readonly<Record<string, unknown>>;
}[] = [
  {
    name: "status 401",
    fault: { status: 401 },
    expected: { code: "REGISTRY_UNAUTHORIZED", status: 401 },
  },
  {
    name: "status 403",
    fault: { status: 403 },
    expected: { code: "REGISTRY_DENIED", status: 403 },
  },
  { name: "status 404", fault: { status: 404 }, expected: { code: "NOT_FOUND" } },
  {
    name: "status 429",
    fault: { status: 429 },
    expected: { code: "REGISTRY_RATE_LIMITED", status: 429 },
  },
  {
    name: "status 418",
    fault: { status: 418 },
    expected: { code: "REGISTRY_STATUS", status: 418 },
  },
  {
    name: "status 500",
    fault: { status: 500 },
    expected: { code: "REGISTRY_STATUS", status: 500 },
  },
  {
    name: "status 206",
    fault: { status: 206 },
    expected: { code: "REGISTRY_STATUS", status: 206 },
  },
  {
    name: "NAME_UNKNOWN with another status",
    fault: { status: 400, bytes: Buffer.from('{"errors":[{"code":"NAME_UNKNOWN"}]}') },
    expected: { code: "NOT_FOUND" },
  },
];
for (const { name, fault, expected } of answers) {
  test(`${name} is ${String(expected["code"])} for documents, blobs and names`, async () => {
    await using on = await setUp();
    for (const path of [TAG, MANIFEST, BLOB]) on.registry.addFault(path, fault);
    await assert.rejects(on.source.fetchDocument(manifest, never), expected);
    await assert.rejects(read(on.source, layer), expected);
    await assert.rejects(on.source.resolve(never), expected);
  });
}

test("an unknown tag is NOT_FOUND and named", async () => {
  await using on = await setUp({ tag: "none" });
  await assert.rejects(on.source.resolve(never), {
    code: "NOT_FOUND",
    message: `${on.registry.host}/team/app:none: not found in the registry, got status 404`,
  });
});

test("what the server says is told in one harmless line", async () => {
  await using on = await setUp();
  const errors = [
    { code: "DENIED", message: "\u001b[31mno\nentry", detail: { a: 1 } },
    { code: 5 },
  ];
  on.registry.addFault(BLOB, { status: 403, bytes: Buffer.from(JSON.stringify({ errors })) });
  await assert.rejects(read(on.source, layer), {
    message: `${on.registry.host}/team/app@${layer.digest}: expected permission to pull anonymously, got status 403 (DENIED: [31mno entry)`,
  });
});

const errorBodies: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: "no JSON", fault: { bytes: Buffer.from("<html>") } },
  { name: "other JSON", fault: { bytes: Buffer.from('{"errors":{"code":1}}') } },
  { name: "JSON null entries", fault: { bytes: Buffer.from('{"errors":[null,1,[]]}') } },
  { name: "an endless body", fault: { endless: true } },
  { name: "a cut body", fault: { truncateAt: 3 } },
];
for (const { name, fault } of errorBodies) {
  test(`the status counts where the error has ${name}`, async () => {
    await using on = await setUp();
    on.registry.addFault(BLOB, { ...fault, status: 403 });
    await assert.rejects(read(on.source, layer), {
      code: "REGISTRY_DENIED",
      message: /got status 403$/,
    });
  });
}

for (const [status, there] of [
  [200, true],
  [401, false],
  [403, false],
  [404, false],
  [405, false],
] as const) {
  test(`status ${status} to HEAD means ${there ? "may" : "may not"} be read`, async () => {
    await using on = await setUp();
    for (const path of [MANIFEST, BLOB]) on.registry.addFault(path, { status });
    assert.equal(await on.source.has(layer, never), there);
    assert.equal(await on.source.hasManifest(manifest, never), there);
    assert.deepEqual(on.registry.paths("HEAD"), [BLOB, MANIFEST]);
    // What a 401 wants may be told there; nothing is fetched.
    assert.deepEqual(on.registry.paths("GET"), status === 401 ? ["/v2/", "/v2/"] : []);
  });
}

test("a failing HEAD is no answer", async () => {
  await using on = await setUp();
  on.registry.addFault(BLOB, { status: 500 });
  await assert.rejects(on.source.has(layer, never), { code: "REGISTRY_STATUS" });
});

test("an abort in a blob ends it at once and closes its connection", async () => {
  await using on = await setUp();
  on.registry.addFault(BLOB, { stallAt: 10 });
  const controller = new AbortController();
  await assert.rejects(
    async () => {
      for await (const chunk of on.source.fetch(layer, controller.signal)) {
        assert.equal(chunk.length, 10);
        controller.abort();
      }
    },
    { name: "AbortError" },
  );
  await on.registry.connectionsAtMost(0);
});

test("leaving a blob's loop closes its connection", async () => {
  await using on = await setUp();
  on.registry.addFault(BLOB, { stallAt: 10 });
  for await (const chunk of on.source.fetch(layer, never)) {
    assert.equal(chunk.length, 10);
    break;
  }
  await on.registry.connectionsAtMost(0);
});

test("layers arrive in the order in which they are let go", async () => {
  const two = makeImage({ layers: [Buffer.from("one"), Buffer.from("two")], compression: "zstd" });
  const [first, second] = two.layers;
  assert.ok(first !== undefined && second !== undefined);
  const gate = Promise.withResolvers<undefined>();
  await using registry = await startRegistry({
    beforeBlob: async (digest) => {
      if (digest === first.digest) await gate.promise;
    },
  });
  const name = { domain: registry.host, repository: "a", tag: "1" };
  registry.putImage("a", two, "1");
  await using http = openTestClient();
  const source = new Registries({ client: http.client, limits: DEFAULT_LIMITS }).open(name);
  const done: Descriptor[] = [];
  await Promise.all(
    [first, second].map(async (descriptor) => {
      await read(source, descriptor);
      done.push(descriptor);
      gate.resolve(undefined);
    }),
  );
  assert.deepEqual(done, [second, first]);
});
