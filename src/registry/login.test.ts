import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  basic,
  type FakeRegistry,
  type FakeTokenServer,
  makeImage,
  openTestClient,
  type RegistryGuard,
  startRegistry,
  startTokenServer,
  TEST_NOW,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS, Secret, joinBytes } from "../base/index.ts";
import {
  type Credential,
  type CredentialPlace,
  type Credentials,
  Registries,
  type RegistriesOptions,
  type RegistrySource,
} from "./index.ts";

const never = new AbortController().signal;
const image = makeImage({ layers: [Buffer.alloc(1000, "tar")], compression: "none" });
const { manifest } = image;
const layer = image.layers[0] ?? manifest;

const bob: Credential = {
  kind: "password",
  username: "bob",
  password: new Secret("hunter:2ü"),
  described: 'user "bob" of the test',
};
const refresh: Credential = {
  kind: "identity-token",
  token: new Secret("refresh-1"),
  described: "the test's refresh token",
};
const ready: Credential = {
  kind: "registry-token",
  token: new Secret("ready-1"),
  described: "the test's token",
};
const BOB = basic("bob", "hunter:2ü");

/** Knows one credential for everything, and notes what was looked for. */
class Known implements Credentials {
  readonly asked: CredentialPlace[] = [];
  credential: Credential | undefined;

  constructor(credential: Credential | undefined) {
    this.credential = credential;
  }

  find(place: CredentialPlace): Promise<Credential | undefined> {
    this.asked.push(place);
    return Promise.resolve(this.credential);
  }
}

interface Setup extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly tokens: FakeTokenServer;
  readonly known: Known;
  readonly source: RegistrySource;
  passedMs: number;
  open(credentials: Credentials): RegistrySource;
}

async function setUp(
  credential: Credential | undefined,
  options: Partial<RegistriesOptions> = {},
): Promise<Setup> {
  const registry = await startRegistry();
  const tokens = await startTokenServer();
  registry.putImage("team/app", image, "1.0");
  registry.guardWith(tokens);
  const http = openTestClient({
    clock: { now: () => TEST_NOW + on.passedMs, sleep: () => Promise.resolve() },
  });
  const known = new Known(credential);
  const registries = new Registries({
    client: http.client,
    limits: DEFAULT_LIMITS,
    credentials: known,
    ...options,
  });
  const name = { domain: registry.host, repository: "team/app", tag: "1.0" };
  const on: Setup = {
    registry,
    tokens,
    known,
    source: registries.open(name),
    passedMs: 0,
    open: (credentials) => registries.open(name, credentials),
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await tokens.close();
      await registry.close();
    },
  };
  return on;
}

/** A registry that wants a user and password itself. */
const basicGuard: RegistryGuard = {
  challenge: () => 'Basic realm="team"',
  allows: (authorization) => authorization === BOB,
};

function authorizations({ requests }: FakeRegistry | FakeTokenServer): readonly string[] {
  return requests.map(({ headers }) => headers.authorization ?? "-");
}

test("a user and password go to the registry that asks for them, once it has", async () => {
  await using on = await setUp(bob);
  on.registry.guardWith(basicGuard);
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.equal(await on.source.has(layer, never), true);
  assert.deepEqual(authorizations(on.registry), ["-", BOB, BOB]);
  assert.deepEqual(on.known.asked, [{ host: on.registry.host, repository: "team/app" }]);
});

test("who has only a token cannot answer a registry that wants a password", async () => {
  await using on = await setUp(refresh);
  on.registry.guardWith(basicGuard);
  await assert.rejects(on.source.resolve(never), { code: "REGISTRY_UNAUTHORIZED" });
  assert.deepEqual(authorizations(on.registry), ["-"]);
});

test("a user and password buy a token by GET, and the registry never sees them", async () => {
  await using on = await setUp(bob);
  on.tokens.admits = new Set([BOB]);
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(authorizations(on.registry), ["-", "Bearer token-1"]);
  assert.deepEqual(authorizations(on.tokens), [BOB]);
  assert.deepEqual(on.tokens.asked, [
    "service=fake&scope=repository:team/app:pull&account=bob&client_id=siflet",
  ]);
});

test("a refresh token buys a token by POST", async () => {
  await using on = await setUp(refresh);
  on.tokens.refreshTokens = new Set(["refresh-1"]);
  assert.deepEqual(await on.source.resolve(never), manifest);
  const [request, ...more] = on.tokens.requests;
  assert.ok(request !== undefined && more.length === 0);
  assert.equal(request.method, "POST");
  assert.equal(request.path, "/token");
  assert.equal(request.headers.authorization, undefined);
  assert.deepEqual(
    [...new URLSearchParams(request.body.toString())],
    [
      ["grant_type", "refresh_token"],
      ["client_id", "siflet"],
      ["service", "fake"],
      ["scope", "repository:team/app:pull"],
      ["refresh_token", "refresh-1"],
    ],
  );
});

test("where a token service knows no POST, a refresh token is the password of <token>", async () => {
  await using on = await setUp(refresh);
  on.tokens.admits = new Set([basic("<token>", "refresh-1")]);
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(
    on.tokens.requests.map(({ method }) => method),
    ["POST", "GET"],
  );
});

test("a ready token goes to the registry as it is, and to no token service", async () => {
  await using on = await setUp(ready);
  on.registry.guardWith({
    challenge: (repository) => on.tokens.challenge(repository),
    allows: (authorization) => authorization === "Bearer ready-1",
  });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(authorizations(on.registry), ["-", "Bearer ready-1"]);
  assert.equal(on.tokens.requests.length, 0);
});

for (const guard of ["the token service", "the registry"] as const) {
  test(`wrong credentials at ${guard} are REGISTRY_UNAUTHORIZED, named and not told`, async () => {
    await using on = await setUp(bob);
    if (guard === "the registry") {
      on.registry.guardWith({ ...basicGuard, allows: () => false });
    } else {
      on.tokens.admits = new Set();
    }
    const error: unknown = await on.source.resolve(never).catch((reason: unknown) => reason);
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "REGISTRY_UNAUTHORIZED");
    assert.match(error.message, /expected the credentials of user "bob" of the test to be good/);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /hunter/);
  });
}

test("credentials that were refused are looked for again by the next call", async () => {
  await using on = await setUp({ ...bob, password: new Secret("old") });
  on.registry.guardWith(basicGuard);
  await assert.rejects(on.source.resolve(never), { code: "REGISTRY_UNAUTHORIZED" });
  on.known.credential = bob;
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.equal(on.known.asked.length, 2);
});

test("credentials are looked for again after an hour", async () => {
  await using on = await setUp(bob);
  on.tokens.admits = new Set([BOB]);
  for (const [passedMs, asked] of [
    [0, 1],
    [3_599_000, 1],
    [3_600_000, 2],
  ] as const) {
    on.passedMs = passedMs;
    on.tokens.revokeAll();
    assert.equal(await on.source.has(layer, never), true);
    assert.equal(on.known.asked.length, asked);
  }
});

test("what one caller's credentials bought serves no other caller", async () => {
  await using on = await setUp(bob);
  on.tokens.admits = new Set([BOB]);
  assert.equal(await on.source.has(layer, never), true);
  const stranger = on.open(new Known(undefined));
  assert.equal(await stranger.has(layer, never), false);
  const eve = on.open(new Known({ ...bob, password: new Secret("guessed") }));
  assert.equal(await eve.has(layer, never), false);
  assert.equal(await on.open(new Known(bob)).has(layer, never), true);
  // Her own credential is his: one token serves both.
  assert.deepEqual(authorizations(on.tokens), [BOB, "-", basic("bob", "guessed")]);
});

test("a realm under another domain does not get the credentials: REGISTRY_REALM", async () => {
  await using on = await setUp(bob);
  const realm = `http://localhost:${new URL(on.tokens.url).port}`;
  on.registry.guardWith({
    challenge: () => `Bearer realm="${realm}/token",service="fake"`,
    allows: () => false,
  });
  await assert.rejects(on.source.resolve(never), {
    code: "REGISTRY_REALM",
    message:
      /expected 127\.0\.0\.1:\d+ to name a token service that may see its credentials, got localhost:\d+, which is of another domain/,
  });
  assert.equal(on.tokens.requests.length, 0);
});

test("a realm that the operator named for the registry gets the credentials", async () => {
  const realms: string[] = [];
  await using on = await setUp(bob, { realmsOf: () => realms });
  const host = `localhost:${new URL(on.tokens.url).port}`;
  realms.push(host);
  on.tokens.admits = new Set([BOB]);
  on.registry.guardWith({
    challenge: () => `Bearer realm="http://${host}/token",service="fake"`,
    allows: (authorization, repository) => on.tokens.allows(authorization, repository),
  });
  assert.deepEqual(await on.source.resolve(never), manifest);
  assert.deepEqual(authorizations(on.tokens), [BOB]);
});

test("credentials follow no redirect, and the token they bought neither", async () => {
  await using on = await setUp(bob);
  await using other = await startRegistry();
  on.tokens.admits = new Set([BOB]);
  const path = `/v2/team/app/blobs/${layer.digest}`;
  other.putBlob(image.blobs.get(layer.digest) ?? Buffer.alloc(0));
  on.registry.addFault(path, { redirect: `${other.url}${path}`, method: "GET" });
  on.registry.guardWith({ challenge: () => on.tokens.challenge("team/app"), allows: () => true });
  const bytes = await joinBytes(on.source.fetch(layer, never));
  assert.equal(bytes.length, layer.size);
  assert.deepEqual(authorizations(other), ["-"]);
});
