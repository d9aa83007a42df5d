import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type FakeRegistry,
  makeImage,
  openTestClient,
  startRegistry,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS, joinBytes } from "../base/index.ts";
import type { Descriptor } from "../image/index.ts";
import {
  type Capability,
  Registries,
  type RegistryEndpoint,
  type RegistrySource,
} from "./index.ts";

const never = new AbortController().signal;
const image = makeImage({ layers: [Buffer.alloc(3_000_000, "tar")], compression: "none" });
const { manifest } = image;
const layer = image.layers[0] ?? manifest;
const BLOB = `/v2/team/app/blobs/${layer.digest}`;
const TAG = "/v2/team/app/manifests/1.0";

interface Setup extends AsyncDisposable {
  readonly mirror: FakeRegistry;
  readonly origin: FakeRegistry;
  readonly source: RegistrySource;
}

async function setUp(change: Partial<RegistryEndpoint> = {}): Promise<Setup> {
  const [mirror, origin] = [
    await startRegistry({ ranges: true }),
    await startRegistry({ ranges: true }),
  ];
  for (const registry of [mirror, origin]) registry.putImage("team/app", image, "1.0");
  const http = openTestClient();
  const can: ReadonlySet<Capability> = new Set<Capability>(["pull", "resolve"]);
  const endpointOf = (registry: FakeRegistry, namespace?: string): RegistryEndpoint => ({
    api: new URL(`${registry.url}/v2/`),
    credentialHost: registry.host,
    namespace,
    can,
    headers: {},
    tls: undefined,
    connectMs: undefined,
  });
  const registries = new Registries({
    client: http.client,
    limits: DEFAULT_LIMITS,
    hosts: {
      endpointsOf: ({ domain }) =>
        Promise.resolve([{ ...endpointOf(mirror, domain), ...change }, endpointOf(origin)]),
    },
  });
  return {
    mirror,
    origin,
    source: registries.open({ domain: "r.test", repository: "team/app", tag: "1.0" }),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await mirror.close();
      await origin.close();
    },
  };
}

async function read(source: RegistrySource, descriptor: Descriptor, from = 0): Promise<Buffer> {
  return Buffer.from(await joinBytes(source.fetch(descriptor, never, from)));
}

function ranges({ requests }: FakeRegistry): string[] {
  return requests
    .filter(({ method, path }) => method === "GET" && path.startsWith(BLOB))
    .map(({ headers }) => headers.range ?? "all");
}

test("a mirror is asked first, and told for whom it answers", async () => {
  await using on = await setUp({ headers: { "x-mirror": "yes" } });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.equal((await read(on.source, layer)).length, layer.size);
  assert.deepEqual(
    on.mirror.requests.map(({ path }) => path),
    [`${TAG}?ns=r.test`, `${BLOB}?ns=r.test`],
  );
  assert.equal(on.mirror.requests[0]?.headers["x-mirror"], "yes");
  assert.equal(on.origin.requests.length, 0);
});

test("a mirror that may not resolve is asked for blobs and for documents by digest alone", async () => {
  await using on = await setUp({ can: new Set<Capability>(["pull"]) });
  assert.deepEqual(await on.source.resolve(never), manifest);
  await on.source.fetchDocument(manifest, never);
  assert.deepEqual(on.origin.paths("HEAD"), [TAG]);
  assert.deepEqual(on.mirror.paths("GET"), [`/v2/team/app/manifests/${manifest.digest}?ns=r.test`]);
});

test("what a mirror does not have, the registry is asked for, and the mirror again for the next", async () => {
  await using on = await setUp();
  on.mirror.addFault(TAG, { status: 404 });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.equal((await read(on.source, layer)).length, layer.size);
  assert.deepEqual(ranges(on.mirror), ["all"]);
});

for (const [name, fault] of [
  ["fails", { status: 500 }],
  ["wants a login", { status: 401 }],
  ["has other bytes", { bytes: Buffer.from("{}"), status: 200 }],
] as const) {
  test(`a document whose mirror ${name} comes from the registry`, async () => {
    await using on = await setUp();
    on.mirror.addFault(`/v2/team/app/manifests/${manifest.digest}`, fault);
    const { bytes } = await on.source.fetchDocument(manifest, never);
    assert.equal(bytes.length, manifest.size);
    assert.equal(on.origin.requests.length, 1);
  });
}

test("a dead mirror is not asked again in the same pull", async () => {
  await using on = await setUp();
  await on.mirror.close();
  assert.deepEqual(await on.source.resolve(never), manifest);
  const { length } = on.mirror.requests;
  assert.equal((await read(on.source, layer)).length, layer.size);
  assert.equal(await on.source.has(layer, never), true);
  assert.equal(on.mirror.requests.length, length);
});

test("a blob that its mirror breaks off is read on, and from the registry where that is no use", async () => {
  await using on = await setUp();
  on.mirror.addFault(BLOB, { truncateAt: 1_000_000, times: 1 });
  on.mirror.addFault(BLOB, { reset: true });
  const bytes = await read(on.source, layer);
  assert.ok(bytes.equals(image.blobs.get(layer.digest) ?? Buffer.alloc(0)));
  const [first, ...more] = ranges(on.mirror);
  assert.equal(first, "all");
  const start = Number(/^bytes=(\d+)-$/.exec(more[0] ?? "")?.[1]);
  assert.ok(start > 0 && start <= 1_000_000);
  assert.deepEqual(ranges(on.origin), [`bytes=${start}-`]);
});

test("a blob asked for once more comes from somebody else: the first may have spoilt it", async () => {
  await using on = await setUp();
  on.mirror.addFault(BLOB, { bytes: Buffer.alloc(layer.size) });
  assert.ok((await read(on.source, layer)).equals(Buffer.alloc(layer.size)));
  const bytes = await read(on.source, layer);
  assert.ok(bytes.equals(image.blobs.get(layer.digest) ?? Buffer.alloc(0)));
});

test("when every host failed, each is heard", async () => {
  await using on = await setUp();
  on.mirror.addFault(TAG, { status: 500 });
  on.origin.addFault(TAG, { status: 404 });
  await assert.rejects(on.source.resolve(never), (error: Error & { code?: string }) => {
    assert.equal(error.code, "NOT_FOUND");
    assert.match(error.message, /got status 404.*\(and 127\.0\.0\.1:\d+: .*got status 500\)/s);
    return true;
  });
});

test("that a caller is not permitted tells more than that a host does not have it", async () => {
  await using on = await setUp();
  on.mirror.addFault(TAG, { status: 403 });
  on.origin.addFault(TAG, { status: 404 });
  await assert.rejects(on.source.resolve(never), { code: "REGISTRY_DENIED" });
});

test("where no host may be asked, that is said: REGISTRY_NO_HOST", async () => {
  await using http = openTestClient();
  const hosts = { endpointsOf: () => Promise.resolve([]) };
  const registries = new Registries({ client: http.client, limits: DEFAULT_LIMITS, hosts });
  const source = registries.open({ domain: "r.test", repository: "team/app", tag: "1.0" });
  await assert.rejects(source.resolve(never), { code: "REGISTRY_NO_HOST" });
});

test("a blob may be read where one of the hosts says so", async () => {
  await using on = await setUp();
  on.mirror.addFault(BLOB, { status: 404 });
  assert.equal(await on.source.has(layer, never), true);
  on.origin.addFault(BLOB, { status: 403 });
  assert.equal(await on.source.has(layer, never), false);
});
