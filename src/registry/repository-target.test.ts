import assert from "node:assert/strict";
import { test } from "node:test";
import {
  basic,
  digestOf,
  type FakeRegistry,
  openTestClient,
  startRegistry,
  startTokenServer,
  TEST_CERTIFICATE,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS, Secret } from "../base/index.ts";
import type { BlobBytes, RepositoryTarget } from "./index.ts";
import { Registries, type RegistriesOptions } from "./index.ts";

const never = new AbortController().signal;
const MiB = 1024 * 1024;
const UPLOADS = "/v2/team/app/blobs/uploads/";

function blobOf(bytes: Buffer): BlobBytes & { readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    descriptor: {
      mediaType: "application/octet-stream",
      digest: digestOf(bytes),
      size: bytes.length,
    },
    reads,
    async *read(from, to) {
      reads.push([from, to]);
      for (let at = from; at < to; at += MiB) {
        await Promise.resolve();
        yield bytes.subarray(at, Math.min(at + MiB, to));
      }
    },
  };
}

const small = blobOf(Buffer.alloc(1000, "small"));
const LARGE = Buffer.alloc(70 * MiB, "large blob");

interface Setup extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly target: RepositoryTarget;
}

async function setUp(options: Partial<RegistriesOptions> = {}): Promise<Setup> {
  const registry = await startRegistry();
  const http = openTestClient();
  const registries = new Registries({ client: http.client, limits: DEFAULT_LIMITS, ...options });
  const name = { domain: registry.host, repository: "team/app", tag: "1.0" };
  return {
    registry,
    target: registries.openTarget(name),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

/** `METHOD path` of every request, the number of the upload left out. */
function log({ requests }: FakeRegistry): readonly string[] {
  return requests.map(({ method, path }) => `${method} ${path}`);
}

async function stored(registry: FakeRegistry, { descriptor }: BlobBytes): Promise<boolean> {
  const response = await fetch(`${registry.url}/v2/team/app/blobs/${descriptor.digest}`);
  return response.ok && (await response.bytes()).length === descriptor.size;
}

test("a small blob goes in one piece, to where the host says", async () => {
  await using on = await setUp();
  const sent: number[] = [];
  assert.equal(
    await on.target.putBlob(small, { onSent: (bytes) => sent.push(bytes) }, never),
    true,
  );
  const digest = encodeURIComponent(small.descriptor.digest);
  assert.deepEqual(log(on.registry), [
    `HEAD /v2/team/app/blobs/${small.descriptor.digest}`,
    `POST ${UPLOADS}`,
    `PUT ${UPLOADS}1?state=a%2Fb&digest=${digest}`,
  ]);
  assert.deepEqual(sent, [1000]);
  assert.equal(await stored(on.registry, small), true);
});

test("a blob that is there is not sent", async () => {
  await using on = await setUp();
  on.registry.putBlob(Buffer.alloc(1000, "small"));
  assert.equal(await on.target.putBlob(small, {}, never), false);
  assert.equal(on.registry.requests.length, 1);
});

test("a blob of another repository is mounted, or sent where it cannot be", async () => {
  await using on = await setUp();
  on.registry.uploads.mountable.add("team/base");
  assert.equal(await on.target.putBlob(small, { from: "team/base" }, never), false);
  assert.equal(on.registry.requests.length, 2);
  assert.equal(await on.target.putBlob(small, { from: "team/other" }, never), true);
  assert.equal(await stored(on.registry, small), true);
});

test("a large blob goes in pieces", async () => {
  await using on = await setUp();
  const large = blobOf(LARGE);
  const sent: number[] = [];
  await on.target.putBlob(large, { onSent: (bytes) => sent.push(bytes) }, never);
  assert.deepEqual(sent, [32 * MiB, 64 * MiB, 70 * MiB, 70 * MiB]);
  const patches = on.registry.requests.filter(({ method }) => method === "PATCH");
  assert.deepEqual(
    patches.map(({ headers }) => headers["content-range"]),
    [`0-${32 * MiB - 1}`, `${32 * MiB}-${64 * MiB - 1}`, `${64 * MiB}-${70 * MiB - 1}`],
  );
  assert.equal(await stored(on.registry, large), true);
});

test("pieces are as large as the host wants them at least", async () => {
  await using on = await setUp();
  on.registry.uploads.minChunkBytes = 40 * MiB;
  const large = blobOf(LARGE);
  await on.target.putBlob(large, {}, never);
  assert.deepEqual(large.reads, [
    [0, 40 * MiB],
    [40 * MiB, 70 * MiB],
  ]);
});

test("a host that wants pieces beyond reason is REGISTRY_UPLOAD", async () => {
  await using on = await setUp();
  on.registry.uploads.minChunkBytes = 2 ** 31;
  await assert.rejects(on.target.putBlob(blobOf(LARGE), {}, never), { code: "REGISTRY_UPLOAD" });
});

for (const [name, fault] of [
  ["lost before it was taken", { reset: true }],
  ["answered with 503", { status: 503 }],
] as const) {
  test(`a piece that is ${name} is sent again, from where the host is`, async () => {
    await using on = await setUp();
    const large = blobOf(LARGE);
    on.registry.addFault(`${UPLOADS}1`, { ...fault, method: "PATCH", times: 1 });
    await on.target.putBlob(large, {}, never);
    assert.equal(await stored(on.registry, large), true);
  });
}

test("an upload whose pieces never come through fails, after five tries", async () => {
  await using on = await setUp();
  on.registry.uploads.isDeaf = true;
  await assert.rejects(on.target.putBlob(blobOf(LARGE), {}, never), { code: "REGISTRY_STATUS" });
  assert.equal(on.registry.paths("PATCH").length, 5);
});

test("a host that takes pieces and keeps none is sent them no more than five times", async () => {
  await using on = await setUp();
  for (const method of ["PATCH", "GET"] as const) {
    const status = method === "PATCH" ? 202 : 204;
    on.registry.addFault(`${UPLOADS}1`, { method, status, headers: { range: "0-0" } });
  }
  await assert.rejects(on.target.putBlob(blobOf(LARGE), {}, never), { code: "REGISTRY_UPLOAD" });
  assert.equal(on.registry.paths("PATCH").length, 5);
});

test("a host that keeps pieces and loses them again is not sent them without end", async () => {
  await using on = await setUp();
  const kept = { status: 202, headers: { range: `0-${32 * MiB - 1}` } };
  for (let time = 0; time < 20; time += 1) {
    for (const answer of [kept, { status: 503 }]) {
      on.registry.addFault(`${UPLOADS}1`, { ...answer, method: "PATCH", times: 1 });
    }
  }
  on.registry.addFault(`${UPLOADS}1`, { method: "GET", headers: { range: null } });
  await assert.rejects(on.target.putBlob(blobOf(LARGE), {}, never), { code: "REGISTRY_STATUS" });
  assert.equal(on.registry.paths("PATCH").length, 10);
});

test("a Location by http after an answer by https is HTTP_REDIRECT, even on loopback", async () => {
  await using plain = await startRegistry();
  await using secure = await startRegistry({ tls: true });
  secure.uploads.locationOrigin = plain.url;
  await using http = openTestClient({
    ca: [TEST_CERTIFICATE],
    resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
  });
  const registries = new Registries({ client: http.client, limits: DEFAULT_LIMITS });
  // Loopback is asked by http; this registry is reached by a name that is not.
  const domain = `registry.test:${new URL(secure.url).port}`;
  const target = registries.openTarget({ domain, repository: "team/app", tag: "1.0" });
  await assert.rejects(target.putBlob(small, {}, never), { code: "HTTP_REDIRECT" });
  assert.deepEqual(secure.paths("POST"), [UPLOADS]);
  assert.deepEqual(plain.requests, []);
});

test("an upload that goes on at another host takes nothing of the caller's there", async () => {
  await using tokens = await startTokenServer();
  tokens.admits = new Set([basic("bob", "secret")]);
  await using other = await startRegistry();
  await using on = await setUp({
    credentials: {
      find: () =>
        Promise.resolve({
          kind: "password",
          username: "bob",
          password: new Secret("secret"),
          described: "bob",
        }),
    },
  });
  on.registry.guardWith(tokens);
  on.registry.uploads.locationOrigin = other.url;
  await fetch(`${other.url}${UPLOADS}`, { method: "POST" });
  await on.target.putBlob(small, {}, never);
  const last = other.requests.at(-1);
  assert.equal(last?.method, "PUT");
  assert.equal(last.headers.authorization, undefined);
  assert.equal(on.registry.requests.at(-1)?.headers.authorization, "Bearer token-1");
  assert.match(tokens.asked[0] ?? "", /scope=repository:team\/app:pull,push/);
});

for (const [name, headers] of [
  ["without a Location", { location: null }],
  ["with a Location that is no URL", { location: "http://[" }],
  ["with user info in its Location", { location: "http://bob:secret@127.0.0.1/" }],
  ["with a Location of another protocol", { location: "ftp://127.0.0.1/" }],
] as const) {
  test(`an upload opened ${name} is REGISTRY_UPLOAD`, async () => {
    await using on = await setUp();
    on.registry.addFault(UPLOADS, { headers });
    await assert.rejects(on.target.putBlob(small, {}, never), { code: "REGISTRY_UPLOAD" });
  });
}

test("a Location at a metadata address is HTTP_ADDRESS_REFUSED", async () => {
  await using on = await setUp();
  on.registry.addFault(UPLOADS, { headers: { location: "https://169.254.169.254/u" } });
  await assert.rejects(on.target.putBlob(small, {}, never), { code: "HTTP_ADDRESS_REFUSED" });
});

test("a registry that finds other bytes than were promised is heard", async () => {
  await using on = await setUp();
  const other = blobOf(Buffer.alloc(1000, "other"));
  const wrong: BlobBytes = { ...small, read: (from, to) => other.read(from, to) };
  await assert.rejects(on.target.putBlob(wrong, {}, never), { code: "REGISTRY_STATUS" });
});

test("a manifest goes under its tag, and a registry that keeps another one is caught", async () => {
  await using on = await setUp();
  const bytes = Buffer.from("{}");
  const descriptor = { mediaType: "application/x", digest: digestOf(bytes), size: 2 };
  await on.target.putManifest("1.0", descriptor, bytes, never);
  const [put] = on.registry.requests;
  assert.equal(put?.headers["content-type"], "application/x");
  const headers = { "docker-content-digest": digestOf(Buffer.from("other")) };
  on.registry.addFault("/v2/team/app/manifests/2.0", { headers });
  await assert.rejects(on.target.putManifest("2.0", descriptor, bytes, never), {
    code: "CONTENT_DIGEST_MISMATCH",
  });
});

test("what is pushed goes to the registry itself, and nowhere where that may not be pushed to", async () => {
  await using on = await setUp({ hosts: { endpointsOf: () => Promise.resolve([]) } });
  await assert.rejects(on.target.putBlob(small, {}, never), { code: "REGISTRY_NO_HOST" });
});
