import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type FakeRegistry,
  type FakeTokenServer,
  type Fault,
  makeImage,
  openTestClient,
  type RegistryGuard,
  startRegistry,
  startTokenServer,
  TEST_NOW,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS, joinBytes } from "../base/index.ts";
import type { HttpClient } from "../http/index.ts";
import { Registries, type RegistrySource } from "./index.ts";

const never = new AbortController().signal;
const image = makeImage({ layers: [Buffer.alloc(1000, "tar")], compression: "none" });
const { manifest } = image;
const layer = image.layers[0] ?? manifest;
const TAG = "/v2/team/app/manifests/1.0";
const MANIFEST = `/v2/team/app/manifests/${manifest.digest}`;
const BLOB = `/v2/team/app/blobs/${layer.digest}`;
const SCOPE = "scope=repository:team/app:pull";

interface Setup extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly tokens: FakeTokenServer;
  readonly client: HttpClient;
  readonly source: RegistrySource;
  /** Milliseconds that the clock has gone on. */
  passedMs: number;
  open(registry: FakeRegistry, repository: string): RegistrySource;
}

/** A registry with `image` as team/app:1.0 that wants tokens of a token server. */
async function setUp(): Promise<Setup> {
  const registry = await startRegistry();
  const tokens = await startTokenServer();
  registry.guardWith(tokens);
  registry.putImage("team/app", image, "1.0");
  const http = openTestClient({
    clock: { now: () => TEST_NOW + on.passedMs, sleep: () => Promise.resolve() },
  });
  const { client } = http;
  const registries = new Registries({ client, limits: DEFAULT_LIMITS });
  const open: Setup["open"] = ({ host }, repository) =>
    registries.open({ domain: host, repository, tag: "1.0" });
  const on: Setup = {
    registry,
    tokens,
    client,
    source: open(registry, "team/app"),
    passedMs: 0,
    open,
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await tokens.close();
      await registry.close();
    },
  };
  return on;
}

/** `METHOD path Authorization` of every request. */
function log(server: FakeRegistry): string[] {
  return server.requests.map(({ method, path, headers }) =>
    [method, path, headers.authorization ?? "-"].join(" "),
  );
}

async function read(source: RegistrySource): Promise<number> {
  return (await joinBytes(source.fetch(layer, never))).length;
}

test("one token serves a name, its documents and its blobs", async () => {
  await using on = await setUp();
  assert.deepEqual(await on.source.resolve(never), manifest);
  await on.source.fetchDocument(manifest, never);
  assert.equal(await read(on.source), layer.size);
  assert.equal(await on.source.has(layer, never), true);
  assert.deepEqual(log(on.registry), [
    `HEAD ${TAG} -`,
    `HEAD ${TAG} Bearer token-1`,
    `GET ${MANIFEST} Bearer token-1`,
    `GET ${BLOB} Bearer token-1`,
    `HEAD ${BLOB} Bearer token-1`,
  ]);
  assert.deepEqual(on.tokens.asked, [`service=fake&${SCOPE}`]);
  assert.equal(on.tokens.requests[0]?.headers.authorization, undefined);
});

test("a token is renewed before it expires, and not earlier", async () => {
  await using on = await setUp();
  on.tokens.members = { expires_in: 300, issued_at: new Date(TEST_NOW).toISOString() };
  for (const passedMs of [0, 269_000, 270_000]) {
    on.passedMs = passedMs;
    assert.equal(await on.source.has(layer, never), true);
  }
  assert.deepEqual(log(on.registry), [
    `HEAD ${BLOB} -`,
    `HEAD ${BLOB} Bearer token-1`,
    `HEAD ${BLOB} Bearer token-1`,
    `HEAD ${BLOB} Bearer token-2`,
  ]);
});

test("a token that is refused before its time is replaced once", async () => {
  await using on = await setUp();
  assert.equal(await on.source.has(layer, never), true);
  on.tokens.revokeAll();
  assert.equal(await on.source.has(layer, never), true);
  assert.deepEqual(log(on.registry).slice(2), [
    `HEAD ${BLOB} Bearer token-1`,
    `HEAD ${BLOB} Bearer token-2`,
  ]);
});

test("sources of one authenticator share the token of a repository, and no other", async () => {
  await using on = await setUp();
  await using other = await startRegistry();
  other.guardWith(on.tokens);
  for (const registry of [on.registry, other]) {
    registry.putImage("team/two", image, "1.0");
    for (const repository of ["team/two", "team/two", "team/app"]) {
      registry.putImage(repository, image, "1.0");
      await on.open(registry, repository).resolve(never);
    }
  }
  assert.deepEqual(on.tokens.asked, [
    "service=fake&scope=repository:team/two:pull",
    `service=fake&${SCOPE}`,
    "service=fake&scope=repository:team/two:pull",
    `service=fake&${SCOPE}`,
  ]);
});

test("requests at the same time share one token exchange", async () => {
  await using on = await setUp();
  const gate = Promise.withResolvers<undefined>();
  on.tokens.addFault("/token", { hold: gate.promise });
  const all = Promise.all(Array.from({ length: 5 }, () => on.source.has(layer, never)));
  const letGo = (): void => {
    if (on.registry.requests.length < 5 || on.tokens.given === 0) setImmediate(letGo);
    else gate.resolve(undefined);
  };
  letGo();
  assert.deepEqual(await all, [true, true, true, true, true]);
  assert.equal(on.tokens.given, 1);
});

test("requests at the same time replace a refused token once", async () => {
  await using on = await setUp();
  await on.source.has(layer, never);
  on.tokens.revokeAll();
  await Promise.all(Array.from({ length: 5 }, () => on.source.has(layer, never)));
  assert.equal(on.tokens.given, 2);
});

test("an abort while the token is waited for is an AbortError and leaves the token service", async () => {
  await using on = await setUp();
  on.tokens.addFault("/token", { silent: true });
  const controller = new AbortController();
  const waiting = on.source.has(layer, controller.signal);
  const abort = (): void => {
    if (on.tokens.given === 0) setImmediate(abort);
    else controller.abort();
  };
  abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await on.tokens.connectionsAtMost(0);
});

const challenges: readonly {
  readonly name: string;
  readonly challenge: (realm: string) => Fault["headers"];
  readonly asked: string;
}[] = [
  {
    name: "in lower case",
    challenge: (realm) => ({ "www-authenticate": `bearer REALM="${realm}"` }),
    asked: SCOPE,
  },
  {
    name: "behind others, on several lines",
    challenge: (realm) => ({
      "www-authenticate": ['Basic realm="a, b"', `Negotiate, Bearer realm="${realm}",service="s"`],
    }),
    asked: `service=s&${SCOPE}`,
  },
  {
    name: "with several scopes",
    challenge: (realm) => ({
      "www-authenticate": `Bearer scope="repository:b:pull repository:team/app:push",realm="${realm}",scope="x"`,
    }),
    asked: "scope=repository:b:pull&scope=repository:team/app:pull,push&scope=x",
  },
  {
    name: "with a query in its realm",
    challenge: (realm) => ({
      "www-authenticate": `Bearer realm="${realm}?a=%20b#c",service="a&b"`,
    }),
    asked: `a= b&service=a&b&${SCOPE}`,
  },
  {
    name: "with a query in its realm that begins with a question mark",
    challenge: (realm) => ({ "www-authenticate": `Bearer realm="${realm}??a=b",service="s"` }),
    asked: `?a=b&service=s&${SCOPE}`,
  },
];
for (const { name, challenge, asked } of challenges) {
  test(`a challenge ${name} is answered`, async () => {
    await using on = await setUp();
    const allowed: RegistryGuard = { challenge: () => undefined, allows: () => true };
    on.registry.guardWith(allowed);
    on.registry.addFault(TAG, {
      status: 401,
      times: 1,
      headers: challenge(on.tokens.realm) ?? {},
    });
    assert.deepEqual(await on.source.resolve(never), manifest);
    assert.deepEqual(log(on.registry), [`HEAD ${TAG} -`, `HEAD ${TAG} Bearer token-1`]);
    assert.deepEqual(on.tokens.asked, [asked]);
  });
}

test("where a 401 says nothing, /v2/ tells the realm, and its scope is not asked for", async () => {
  await using on = await setUp();
  on.registry.guardWith({
    challenge: (repository) =>
      repository === undefined ? on.tokens.challenge("user/image") : undefined,
    allows: (authorization, repository) => on.tokens.allows(authorization, repository),
  });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(log(on.registry), [`HEAD ${TAG} -`, "GET /v2/ -", `HEAD ${TAG} Bearer token-1`]);
  assert.deepEqual(on.tokens.asked, [`service=fake&${SCOPE}`]);
});

const unanswerable: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: "only Basic", fault: { headers: { "www-authenticate": 'Basic realm="x"' } } },
  { name: "nothing, here and at /v2/", fault: { headers: { "www-authenticate": null } } },
];
for (const { name, fault } of unanswerable) {
  test(`a 401 that wants ${name} is REGISTRY_UNAUTHORIZED`, async () => {
    await using on = await setUp();
    for (const path of [TAG, "/v2/"]) on.registry.addFault(path, { ...fault, status: 401 });
    await assert.rejects(on.source.resolve(never), {
      code: "REGISTRY_UNAUTHORIZED",
      message: `${on.registry.host}/team/app:1.0: expected an image that may be pulled anonymously, got status 401`,
    });
    assert.equal(on.tokens.given, 0);
  });
}

test("a challenge at /v2/ of another host is not answered", async () => {
  await using on = await setUp();
  await using foreign = await startRegistry();
  foreign.addFault("/a", {
    status: 401,
    headers: { "www-authenticate": on.tokens.challenge("x") },
  });
  on.registry.addFault(TAG, { headers: { "www-authenticate": null } });
  on.registry.addFault("/v2/", { redirect: `${foreign.url}/a` });
  await assert.rejects(on.source.resolve(never), { code: "REGISTRY_UNAUTHORIZED" });
  assert.equal(on.tokens.given, 0);
});

test("a 401 without end, always the same, costs one token", async () => {
  await using on = await setUp();
  on.registry.guardWith({
    challenge: (repository) => on.tokens.challenge(repository),
    allows: () => false,
  });
  await assert.rejects(read(on.source), { code: "REGISTRY_UNAUTHORIZED", status: 401 });
  assert.equal(on.tokens.given, 1);
  assert.deepEqual(on.registry.paths("GET"), [BLOB, BLOB]);
});

test("a 401 without end that changes its challenge costs five tokens", async () => {
  await using on = await setUp();
  on.registry.guardWith({
    challenge: () => `Bearer realm="${on.tokens.realm}",service="s${on.registry.requests.length}"`,
    allows: () => false,
  });
  await assert.rejects(read(on.source), { code: "REGISTRY_UNAUTHORIZED" });
  assert.equal(on.tokens.given, 5);
  assert.equal(on.registry.requests.length, 6);
});

test("a token does not follow a redirect to another port, and does not come back with one", async () => {
  await using on = await setUp();
  await using foreign = await startRegistry();
  await on.source.resolve(never);
  on.registry.addFault(BLOB, { redirect: `${foreign.url}/b` });
  foreign.addFault("/b", { redirect: `${on.registry.url}/c` });
  on.registry.addFault("/c", { status: 418 });
  await assert.rejects(read(on.source), { code: "REGISTRY_STATUS" });
  assert.deepEqual(log(foreign), ["GET /b -"]);
  assert.deepEqual(log(on.registry).slice(2), [`GET ${BLOB} Bearer token-1`, "GET /c -"]);
});

test("a token goes along on a try from the start, after a redirect elsewhere failed", async () => {
  await using on = await setUp();
  await using foreign = await startRegistry();
  await on.source.resolve(never);
  on.registry.addFault(BLOB, { redirect: `${foreign.url}/b`, times: 1 });
  foreign.addFault("/b", { status: 503 });
  assert.equal(await read(on.source), layer.size);
  assert.deepEqual(log(on.registry).slice(2), [
    `GET ${BLOB} Bearer token-1`,
    `GET ${BLOB} Bearer token-1`,
  ]);
});

test("the 401 of a redirect's target is not answered", async () => {
  await using on = await setUp();
  await using foreign = await startRegistry();
  await on.source.resolve(never);
  on.registry.addFault(BLOB, { redirect: `${foreign.url}/b` });
  const challenge = `Bearer realm="${on.tokens.realm}",service="other"`;
  const headers = { "www-authenticate": challenge };
  foreign.addFault("/b", { status: 401, headers, bytes: Buffer.from("{}") });
  await assert.rejects(read(on.source), { code: "REGISTRY_UNAUTHORIZED" });
  assert.equal(on.tokens.given, 1);
  assert.equal(foreign.requests.length, 1);
});

test("a token is not sent to the realm, even where that is the registry itself", async () => {
  await using on = await setUp();
  on.registry.guardWith({
    challenge: () => `Bearer realm="${on.registry.url}/token"`,
    allows: (authorization) => authorization === "Bearer own",
  });
  on.registry.addFault("/token", { status: 200, bytes: Buffer.from('{"token":"own"}') });
  for (const passedMs of [0, 3_600_000]) {
    on.passedMs = passedMs;
    assert.equal(await on.source.has(layer, never), true);
  }
  assert.deepEqual(
    log(on.registry).filter((line) => line.startsWith("GET")),
    Array.from({ length: 2 }, () => "GET /token?scope=repository%3Ateam%2Fapp%3Apull -"),
  );
});
