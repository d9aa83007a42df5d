import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  type Fault,
  openTestClient,
  startRegistry,
  startTokenServer,
  TEST_CERTIFICATE,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_LIMITS } from "../base/index.ts";
import type { HttpClient, HttpClientOptions } from "../http/index.ts";
import { parseDigest } from "../image/index.ts";
import { Registries, type RegistrySource } from "./index.ts";

const never = new AbortController().signal;
const TAG = "/v2/team/app/manifests/1.0";
const blob = {
  mediaType: "application/octet-stream",
  digest: parseDigest(`sha256:${"0".repeat(64)}`),
  size: 1,
};

function open(client: HttpClient, domain: string): RegistrySource {
  const name = { domain, repository: "team/app", tag: "1.0" };
  return new Registries({ client, limits: DEFAULT_LIMITS }).open(name);
}

const error = (code: string): Uint8Array =>
  Buffer.from(JSON.stringify({ errors: [{ code, message: "requested access is denied" }] }));

const refusals: readonly {
  readonly status: number;
  readonly code: string;
  readonly expected: string;
}[] = [
  {
    status: 401,
    code: "REGISTRY_UNAUTHORIZED",
    expected: "expected an image that may be pulled anonymously",
  },
  {
    status: 403,
    code: "REGISTRY_DENIED",
    expected: "expected permission to pull anonymously",
  },
  {
    status: 429,
    code: "REGISTRY_RATE_LIMITED",
    expected: "expected an answer within the registry's rate limit",
  },
];
for (const { status, code, expected } of refusals) {
  test(`a token service that says ${status} is ${code}`, async () => {
    await using registry = await startRegistry();
    await using tokens = await startTokenServer();
    registry.guardWith(tokens);
    tokens.addFault("/token", { status, bytes: error("DENIED") });
    await using http = openTestClient();
    await assert.rejects(open(http.client, registry.host).resolve(never), {
      code,
      status,
      message: `${registry.host}/team/app: ${expected}, got status ${status} (DENIED: requested access is denied) from the token service at ${tokens.host}`,
    });
  });
}

test("where a token is refused, nothing may be read", async () => {
  for (const status of [401, 403]) {
    await using registry = await startRegistry();
    await using tokens = await startTokenServer();
    registry.guardWith(tokens);
    tokens.addFault("/token", { status });
    await using http = openTestClient();
    assert.equal(await open(http.client, registry.host).has(blob, never), false);
  }
});

const TOKEN = Buffer.from('{"token":"hunter2"}');
const noTokens: readonly { readonly name: string; readonly fault: Fault; readonly got: RegExp }[] =
  [
    { name: "answers no JSON", fault: { bytes: Buffer.from("hunter2") }, got: /without one$/ },
    { name: "answers other JSON", fault: { bytes: Buffer.from("[]") }, got: /without one$/ },
    {
      name: "answers half a token",
      fault: { bytes: TOKEN, truncateAt: 18 },
      got: /none \(.*the connection was cut/,
    },
    {
      name: "answers what is no HTTP",
      fault: { bytes: TOKEN, headers: { "content-length": ["5", "18"] } },
      got: /none \(.*what is not HTTP\/1\.1/,
    },
    {
      name: "answers with more than 128 KiB",
      fault: { bytes: Buffer.concat([TOKEN, Buffer.alloc(128 * 1024, " ")]) },
      got: /more than 131072 bytes$/,
    },
    { name: "answers without end", fault: { endless: true }, got: /more than 131072 bytes$/ },
    { name: "cuts the connection", fault: { reset: true }, got: /none \(.*the connection was cut/ },
    { name: "says 404", fault: { status: 404 }, got: /got status 404 from the token service/ },
    { name: "says 500", fault: { status: 500 }, got: /got status 500 from the token service/ },
  ];
for (const { name, fault, got } of noTokens) {
  test(`a token service that ${name} is REGISTRY_TOKEN, and named`, async () => {
    await using registry = await startRegistry();
    await using tokens = await startTokenServer();
    registry.guardWith(tokens);
    tokens.addFault("/token", fault);
    await using http = openTestClient();
    await assert.rejects(open(http.client, registry.host).has(blob, never), (thrown: Error) => {
      assert.ok("code" in thrown);
      assert.equal(thrown.code, "REGISTRY_TOKEN");
      assert.ok(thrown.message.startsWith(`${registry.host}/team/app: expected a token`));
      assert.ok(thrown.message.includes(tokens.host));
      assert.match(thrown.message, got);
      // Node's parser keeps the packet that it could not read, with the token.
      assert.equal(thrown.cause, undefined);
      assert.doesNotMatch(inspect(thrown, { depth: null }), /hunter2|repository%3A/);
      return true;
    });
    if (fault.endless === true) await tokens.connectionsAtMost(0);
  });
}

test("a token service that nobody serves is REGISTRY_TOKEN, and named", async () => {
  await using registry = await startRegistry();
  const tokens = await startTokenServer();
  registry.guardWith(tokens);
  await tokens.close();
  await using http = openTestClient();
  await assert.rejects(open(http.client, registry.host).resolve(never), {
    code: "REGISTRY_TOKEN",
    status: undefined,
    message: `${registry.host}/team/app: expected a token from the token service at ${tokens.host}, got none (GET ${tokens.realm}?service=***&scope=***: expected an answer, got connection refused (ECONNREFUSED))`,
  });
});

test("a token service that redirects is REGISTRY_TOKEN, and its target is not asked", async () => {
  await using registry = await startRegistry();
  await using tokens = await startTokenServer();
  await using target = await startTokenServer();
  registry.guardWith(tokens);
  for (const redirect of [target.realm, "/elsewhere", "https://169.254.169.254/"]) {
    tokens.addFault("/token", { redirect, times: 1 });
    await using http = openTestClient();
    await assert.rejects(open(http.client, registry.host).resolve(never), {
      code: "REGISTRY_TOKEN",
      message: /got a redirect\)$/,
    });
  }
  assert.deepEqual(target.requests, []);
  assert.ok(!tokens.paths("GET").includes("/elsewhere"));
});

const realms: readonly {
  readonly name: string;
  readonly parameters: string;
  readonly got: string | RegExp;
}[] = [
  { name: "none", parameters: 'service="x"', got: "by its URL, got none" },
  { name: "no URL", parameters: 'realm="/token"', got: "by its URL, got what is no URL" },
  {
    name: "with user info",
    parameters: 'realm="https://user:hunter2@auth.test/token"',
    got: "without user info, got https://auth.test/token with some",
  },
  {
    name: "of another scheme",
    parameters: 'realm="file:///etc/passwd"',
    got: "by https, got file:///etc/passwd",
  },
  {
    name: "by http at a host that is not for it",
    parameters: 'realm="http://192.0.2.1/token?hunter2"',
    got: "by https or at a host for plain http, got http://192.0.2.1/token?***",
  },
  ...["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "metadata.test"].map(
    (host) => ({
      name: `at ${host}`,
      parameters: `realm="https://${host}/token"`,
      got: /that it may name, got .*the link-local, metadata or reserved address/,
    }),
  ),
];
for (const { name, parameters, got } of realms) {
  test(`a realm ${name} is REGISTRY_REALM`, async () => {
    await using registry = await startRegistry();
    const challenge = { "www-authenticate": `Bearer ${parameters}` };
    registry.addFault(TAG, { status: 401, headers: challenge });
    await using http = openTestClient({
      resolve: () => Promise.resolve([{ address: "169.254.169.254", family: 4 }]),
    });
    await assert.rejects(open(http.client, registry.host).resolve(never), (thrown: Error) => {
      assert.ok("code" in thrown);
      assert.equal(thrown.code, "REGISTRY_REALM");
      const start = `${registry.host}/team/app: expected ${registry.host} to name a token service `;
      assert.ok(thrown.message.startsWith(start));
      if (typeof got === "string") assert.equal(thrown.message.slice(start.length), got);
      else assert.match(thrown.message, got);
      assert.doesNotMatch(inspect(thrown, { depth: null }), /hunter2/);
      return true;
    });
    assert.deepEqual(http.pauses, []);
  });
}

test("a realm by http of a registry by https is REGISTRY_REALM, even on loopback", async () => {
  await using registry = await startRegistry({ tls: true });
  await using tokens = await startTokenServer();
  const challenge = { "www-authenticate": tokens.challenge(undefined) };
  registry.addFault(`/v2/team/app/blobs/${blob.digest}`, { status: 401, headers: challenge });
  // Loopback is asked by http; this registry is reached by a name that is not.
  const port = new URL(registry.url).port;
  await using http = openTestClient({
    ca: [TEST_CERTIFICATE],
    resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
  });
  await assert.rejects(open(http.client, `registry.test:${port}`).has(blob, never), {
    code: "REGISTRY_REALM",
  });
  assert.equal(registry.requests.length, 1);
  assert.deepEqual(tokens.requests, []);
});

test("a registry by https is served by a token service by https", async () => {
  await using registry = await startRegistry({ tls: true });
  await using tokens = await startTokenServer({ tls: true });
  registry.guardWith(tokens);
  registry.putManifest("team/app", Buffer.from("{}"), "application/json", "1.0");
  const port = new URL(registry.url).port;
  await using http = openTestClient({
    ca: [TEST_CERTIFICATE],
    resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
  });
  const { size } = await open(http.client, `registry.test:${port}`).resolve(never);
  assert.equal(size, 2);
  assert.equal(tokens.given, 1);
});

test("a registry that is not on loopback cannot name a token service there: REGISTRY_REALM", async () => {
  await using victim = await startTokenServer();
  // Plays the proxy: the registry's addresses are not known then, as they never are behind one.
  await using proxy = await startRegistry();
  proxy.addFault(`http://registry.test${TAG}`, {
    status: 401,
    headers: { "www-authenticate": victim.challenge("team/app") },
  });
  const options: Partial<HttpClientOptions> = {
    plainHttpHosts: ["registry.test"],
    proxyEnv: { http_proxy: proxy.url },
  };
  await using http = openTestClient(options);
  await assert.rejects(open(http.client, "registry.test").resolve(never), {
    code: "REGISTRY_REALM",
    message: /got the loopback address 127\.0\.0\.1\)$/,
  });
  assert.deepEqual(victim.requests, []);
  assert.deepEqual(proxy.paths("HEAD"), [`http://registry.test${TAG}`]);
});
