import assert from "node:assert/strict";
import { test } from "node:test";
import {
  digestOf,
  type FakeRegistry,
  openTestClient,
  type RegistryOptions,
  startRegistry,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS } from "../base/index.ts";
import type { Descriptor, Digest } from "../image/index.ts";
import { Registries, type RegistryEndpoint, type RepositoryAttachments } from "./index.ts";

const never = new AbortController().signal;
const SUBJECT = digestOf(Buffer.from("the image"));
const TYPE = "application/vnd.test.signature";
const LIST = `/v2/team/app/referrers/${SUBJECT}`;
const FALLBACK = SUBJECT.replace(":", "-");
const INDEX = "application/vnd.oci.image.index.v1+json";

interface Setup extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly attachments: RepositoryAttachments;
}

async function setUp(options: RegistryOptions = { referrers: true }): Promise<Setup> {
  const registry = await startRegistry(options);
  const http = openTestClient();
  const registries = new Registries({ client: http.client, limits: DEFAULT_LIMITS });
  return {
    registry,
    attachments: registries.openAttachments({ domain: registry.host, repository: "team/app" }),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

function manifestNamed(name: string): Uint8Array {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, name }));
}

function entryOf(name: string, artifactType = TYPE): Descriptor {
  const bytes = manifestNamed(name);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return { mediaType, digest: digestOf(bytes), size: bytes.length, artifactType };
}

function indexOf(entries: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: entries }));
}

function digests(list: readonly Descriptor[]): Digest[] {
  return list.map(({ digest }) => digest);
}

test("referrers are asked for by type, and filtered again where the host did not", async () => {
  await using on = await setUp();
  const wanted = on.registry.putReferrer("team/app", SUBJECT, manifestNamed("a"), TYPE);
  on.registry.putReferrer("team/app", SUBJECT, manifestNamed("b"), "application/vnd.test.sbom");
  assert.deepEqual(await on.attachments.referrers(SUBJECT, TYPE, never), [wanted]);
  assert.deepEqual(on.registry.paths("GET"), [`${LIST}?artifactType=${encodeURIComponent(TYPE)}`]);
  const { bytes } = await on.attachments.fetchDocument(wanted, never);
  assert.deepEqual(Buffer.from(bytes), manifestNamed("a"));
});

test("an image without referrers has an empty list, and no tag is looked for", async () => {
  await using on = await setUp();
  assert.deepEqual(await on.attachments.referrers(SUBJECT, TYPE, never), []);
  assert.equal(on.registry.requests.length, 1);
});

test("a host without the API has the list under the tag of the digest", async () => {
  await using on = await setUp({});
  const entries = [entryOf("a"), entryOf("b", "application/vnd.test.sbom")];
  on.registry.putManifest("team/app", indexOf(entries), INDEX, FALLBACK);
  assert.deepEqual(await on.attachments.referrers(SUBJECT, TYPE, never), [entryOf("a")]);
});

for (const [name, bytes] of [
  ["is not there", undefined],
  ["holds no index", Buffer.from('{"schemaVersion":2,"config":{},"layers":[]}')],
  ["holds no JSON", Buffer.from("<html>")],
] as const) {
  test(`a host without the API whose tag ${name} has no referrers`, async () => {
    await using on = await setUp({});
    if (bytes !== undefined) on.registry.putManifest("team/app", bytes, "text/plain", FALLBACK);
    assert.deepEqual(await on.attachments.referrers(SUBJECT, TYPE, never), []);
  });
}

test("an answer that is no index counts as a host without the API", async () => {
  await using on = await setUp();
  on.registry.addFault(LIST, { bytes: Buffer.from("<html>welcome</html>") });
  on.registry.putManifest("team/app", indexOf([entryOf("a")]), INDEX, FALLBACK);
  assert.deepEqual(await on.attachments.referrers(SUBJECT, TYPE, never), [entryOf("a")]);
});

test("a refusal is not taken for an empty list", async () => {
  await using on = await setUp();
  on.registry.addFault(LIST, { status: 403 });
  await assert.rejects(on.attachments.referrers(SUBJECT, TYPE, never), {
    code: "REGISTRY_DENIED",
  });
});

test("the pages of a list are read by its links, each referrer once", async () => {
  await using on = await setUp();
  on.registry.addFault(LIST, {
    times: 1,
    bytes: indexOf([entryOf("a"), entryOf("b")]),
    headers: { link: `<${LIST}?artifactType=x&last=b>; rel="next"` },
  });
  on.registry.addFault(LIST, { bytes: indexOf([entryOf("b"), entryOf("c")]) });
  assert.deepEqual(digests(await on.attachments.referrers(SUBJECT, TYPE, never)), [
    entryOf("a").digest,
    entryOf("b").digest,
    entryOf("c").digest,
  ]);
  assert.equal(on.registry.paths("GET")[1], `${LIST}?artifactType=x&last=b`);
});

const links = [
  ["another host", "<http://127.0.0.1:1/v2/team/app/referrers/x>; rel=next"],
  ["another scheme", "<https://HOST/v2/team/app/referrers/x>; rel=next"],
  ["a place outside the API", "</admin>; rel=next"],
  ["a place outside the API by dots", "</v2/../admin>; rel=next"],
  ["somebody's password", "<http://u:p@HOST/v2/team/app/referrers/x>; rel=next"],
] as const;
for (const [name, link] of links) {
  test(`a list that goes on at ${name} is refused, and that place is not asked`, async () => {
    await using on = await setUp();
    const headers = { link: link.replace("HOST", on.registry.host) };
    on.registry.addFault(LIST, { bytes: indexOf([]), headers });
    await assert.rejects(on.attachments.referrers(SUBJECT, TYPE, never), {
      code: "REGISTRY_REFERRERS",
    });
    assert.equal(on.registry.requests.length, 1);
  });
}

test("pages without end are refused: one that leads to itself, and one after another", async () => {
  await using on = await setUp();
  const loop = `</v2/team/app/referrers/${SUBJECT}?n=1>; rel="next"`;
  on.registry.addFault(LIST, { headers: { link: loop } });
  await assert.rejects(on.attachments.referrers(SUBJECT, TYPE, never), {
    code: "REGISTRY_REFERRERS",
  });
  assert.equal(on.registry.requests.length, 2);

  await using other = await setUp();
  for (let page = 0; page < 30; page += 1) {
    const headers = { link: `<${LIST}?n=${page}>; rel="next"` };
    other.registry.addFault(LIST, { times: 1, headers });
  }
  await assert.rejects(other.attachments.referrers(SUBJECT, TYPE, never), {
    code: "REGISTRY_REFERRERS",
  });
  assert.equal(other.registry.requests.length, 20);
});

test("more referrers than anybody makes are refused", async () => {
  await using on = await setUp();
  const entries = Array.from({ length: 1001 }, (_, n) => entryOf(String(n)));
  on.registry.addFault(LIST, { bytes: indexOf(entries.slice(0, 1000)), times: 1 });
  on.registry.addFault(LIST, { bytes: indexOf(entries) });
  assert.equal((await on.attachments.referrers(SUBJECT, TYPE, never)).length, 1000);
  await assert.rejects(on.attachments.referrers(SUBJECT, TYPE, never), {
    code: "REGISTRY_REFERRERS",
  });
});

for (const headers of [{}, { "content-length": null }]) {
  const how = "content-length" in headers ? "does not say" : "says";
  test(`a page over the limit of manifests is refused where it ${how} how long it is`, async () => {
    await using on = await setUp();
    const bytes = Buffer.alloc(DEFAULT_LIMITS.manifestBytes + 1, " ");
    on.registry.addFault(LIST, { bytes, headers });
    await assert.rejects(on.attachments.referrers(SUBJECT, TYPE, never), {
      code: "LIMIT_MANIFEST_BYTES",
    });
  });
}

test("a tag names a manifest or nothing, and errors are no nothing", async () => {
  await using on = await setUp();
  const bytes = manifestNamed("a");
  on.registry.putManifest("team/app", bytes, INDEX, "sha256-1.sig");
  const found = await on.attachments.tagged("sha256-1.sig", never);
  assert.deepEqual(Buffer.from(found?.bytes ?? []), bytes);
  assert.equal(await on.attachments.tagged("sha256-2.sig", never), undefined);
  on.registry.addFault("/v2/team/app/manifests/sha256-3.sig", {
    status: 403,
    bytes: Buffer.from("{}"),
  });
  await assert.rejects(on.attachments.tagged("sha256-3.sig", never), { code: "REGISTRY_DENIED" });
});

test("a mirror that lists nothing, or has no lists, leaves the answer to the registry", async () => {
  for (const referrers of [true, false]) {
    await using mirror = await startRegistry({ referrers });
    await using origin = await startRegistry({ referrers: true });
    await using http = openTestClient();
    const wanted = origin.putReferrer("team/app", SUBJECT, manifestNamed("a"), TYPE);
    const endpointOf = ({ url, host }: FakeRegistry, namespace?: string): RegistryEndpoint => ({
      api: new URL(`${url}/v2/`),
      credentialHost: host,
      namespace,
      can: new Set(["pull", "resolve", "referrers"] as const),
      headers: {},
      tls: undefined,
      connectMs: undefined,
    });
    const registries = new Registries({
      client: http.client,
      limits: DEFAULT_LIMITS,
      hosts: {
        endpointsOf: () => Promise.resolve([endpointOf(mirror, "r.test"), endpointOf(origin)]),
      },
    });
    const attachments = registries.openAttachments({ domain: "r.test", repository: "team/app" });
    assert.deepEqual(await attachments.referrers(SUBJECT, TYPE, never), [wanted]);
    assert.match(mirror.requests[0]?.path ?? "", /\?ns=r\.test&artifactType=/);
  }
});
