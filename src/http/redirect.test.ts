import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type FakeRegistry,
  openTestClient,
  startProxy,
  startRegistry,
  TEST_CERTIFICATE,
} from "../../test/fixtures/registry/index.ts";
import type { HttpRequest } from "./index.ts";

const never = new AbortController().signal;
const OK = { status: 200 };

function get(registry: FakeRegistry, path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: "GET", url: new URL(path, registry.url), ...more };
}

const SENT = {
  accept: "a/b",
  range: "bytes=0-1",
  authorization: "Bearer secret",
  cookie: "secret",
  "x-registry-key": "secret",
};

/** The names of `SENT` that the last request to `registry` had. */
function arrived(registry: FakeRegistry): string[] {
  const last = registry.requests.at(-1);
  assert.ok(last !== undefined);
  return Object.keys(SENT).filter((name) => last.headers[name] !== undefined);
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a ${status} on the same origin is followed with all headers`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/a", { redirect: "/b?token=1", status });
    registry.addFault("/b", OK);
    await using client = openTestClient();
    const response = await client.client.request(get(registry, "/a", { headers: SENT }), never);
    response.discard();
    assert.equal(response.status, 200);
    assert.equal(response.url.href, `${registry.url}/b?token=1`);
    assert.deepEqual(arrived(registry), Object.keys(SENT));
  });
}

test("credentials do not follow a redirect to another port, and do not come back with one", async () => {
  await using home = await startRegistry();
  await using foreign = await startRegistry();
  home.addFault("/a", { redirect: `${foreign.url}/b` });
  foreign.addFault("/b", { redirect: `${home.url}/c` });
  home.addFault("/c", OK);
  await using client = openTestClient();
  const response = await client.client.request(get(home, "/a", { headers: SENT }), never);
  response.discard();
  assert.equal(response.url.href, `${home.url}/c`);
  assert.deepEqual(arrived(foreign), ["accept", "range"]);
  assert.deepEqual(arrived(home), ["accept", "range"]);
  assert.equal(foreign.requests[0]?.headers["user-agent"], "siflet-test/1");
});

test("credentials do not follow a redirect to another host name or scheme of the same server", async () => {
  await using plain = await startRegistry();
  await using secure = await startRegistry({ tls: true });
  const port = new URL(plain.url).port;
  plain.addFault("/host", { redirect: `http://localhost:${port}/end` });
  plain.addFault("/scheme", { redirect: `${secure.url}/end` });
  plain.addFault("/end", OK);
  secure.addFault("/end", OK);
  await using client = openTestClient({ ca: [TEST_CERTIFICATE] });
  for (const [path, end] of [
    ["/host", plain],
    ["/scheme", secure],
  ] as const) {
    const response = await client.client.request(get(plain, path, { headers: SENT }), never);
    response.discard();
    assert.equal(response.status, 200);
    assert.deepEqual(arrived(end), ["accept", "range"]);
  }
});

test("headersFor is asked for each hop, and its answer stays on that hop", async () => {
  await using home = await startRegistry();
  await using foreign = await startRegistry();
  home.addFault("/a", { redirect: "/b" });
  home.addFault("/b", { redirect: `${foreign.url}/c` });
  foreign.addFault("/c", { redirect: `${home.url}/d` });
  home.addFault("/d", OK);
  await using client = openTestClient();
  const asked: string[] = [];
  const headersFor: HttpRequest["headersFor"] = (url) => {
    asked.push(url.href);
    return Promise.resolve(
      url.origin === home.url ? { authorization: `Bearer ${url.pathname}` } : {},
    );
  };
  (await client.client.request(get(home, "/a", { headersFor }), never)).discard();
  const urls = [`${home.url}/a`, `${home.url}/b`, `${foreign.url}/c`, `${home.url}/d`];
  assert.deepEqual(asked, urls);
  assert.deepEqual(
    home.requests.map(({ headers }) => headers.authorization),
    ["Bearer /a", "Bearer /b", "Bearer /d"],
  );
  assert.equal(foreign.requests[0]?.headers.authorization, undefined);
});

const refused = [
  { name: "without Location", headers: { location: null }, redirect: "/" },
  { name: "with a Location that is no URL", redirect: "http://[" },
  { name: "to another scheme", redirect: "file:///etc/passwd" },
  { name: "with user info", redirect: "http://user:secret@127.0.0.1/" },
  { name: "to plain http on a host that is not for it", redirect: "http://192.0.2.1/" },
];
for (const { name, ...fault } of refused) {
  test(`a redirect ${name} is HTTP_REDIRECT`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/a", fault);
    await using client = openTestClient();
    await assert.rejects(client.client.request(get(registry, "/a"), never), (error: Error) => {
      assert.ok("code" in error);
      assert.equal(error.code, "HTTP_REDIRECT");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test("a downgrade from https to http is HTTP_REDIRECT, even on loopback", async () => {
  await using plain = await startRegistry();
  await using secure = await startRegistry({ tls: true });
  secure.addFault("/a", { redirect: `${plain.url}/b` });
  await using client = openTestClient({ ca: [TEST_CERTIFICATE] });
  await assert.rejects(client.client.request(get(secure, "/a"), never), { code: "HTTP_REDIRECT" });
  assert.deepEqual(plain.requests, []);
});

test("ten redirects are followed, eleven are HTTP_REDIRECT", async () => {
  await using registry = await startRegistry();
  for (let i = 0; i <= 10; i++) registry.addFault(`/${i}`, { redirect: `/${i + 1}` });
  registry.addFault("/11", OK);
  await using client = openTestClient();
  const response = await client.client.request(get(registry, "/1"), never);
  response.discard();
  assert.equal(response.status, 200);
  await assert.rejects(client.client.request(get(registry, "/0"), never), {
    code: "HTTP_REDIRECT",
  });
});

test("with no redirects allowed, one is HTTP_REDIRECT and is not followed", async () => {
  await using registry = await startRegistry();
  registry.addFault("/a", { redirect: "/b" });
  await using client = openTestClient();
  const request = get(registry, "/a", { maxRedirects: 0 });
  await assert.rejects(client.client.request(request, never), {
    code: "HTTP_REDIRECT",
    message: `GET ${registry.url}/a: expected an answer, got a redirect`,
  });
  assert.deepEqual(registry.paths("GET"), ["/a"]);
});

test("a URL that a server named is asked only where a redirect from there may lead", async () => {
  await using registry = await startRegistry();
  await using client = openTestClient();
  const ask = async (namedBy: string): Promise<void> => {
    const request = get(registry, "/v2/", { namedBy: new URL(namedBy) });
    (await client.client.request(request, never)).discard();
  };
  await ask(`${registry.url}/a`);
  await assert.rejects(ask("https://registry.test/a"), { code: "HTTP_ADDRESS_REFUSED" });
  assert.equal(registry.requests.length, 1);
});

const special = ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200"];
for (const host of special) {
  test(`a redirect to ${host} is HTTP_ADDRESS_REFUSED, even from loopback`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/a", { redirect: `https://${host}/latest/meta-data` });
    await using client = openTestClient();
    await assert.rejects(client.client.request(get(registry, "/a"), never), {
      code: "HTTP_ADDRESS_REFUSED",
    });
  });
}

test("a redirect to a name that resolves to a metadata address is HTTP_ADDRESS_REFUSED", async () => {
  await using registry = await startRegistry();
  registry.addFault("/a", { redirect: "https://harmless.test/" });
  await using client = openTestClient({
    resolve: () => Promise.resolve([{ address: "169.254.169.254", family: 4 }]),
  });
  await assert.rejects(client.client.request(get(registry, "/a"), never), {
    code: "HTTP_ADDRESS_REFUSED",
  });
  assert.deepEqual(client.pauses, []);
});

test("a redirect to an address that the operator lets servers name is followed", async () => {
  await using target = await startRegistry();
  await using proxy = await startProxy({
    answer: () => ({ status: 302, location: `${target.url}/v2/` }),
  });
  await using client = openTestClient({
    plainHttpHosts: ["registry.test"],
    proxyEnv: { http_proxy: proxy.url },
    serverNamedAddresses: ["127.0.0.0/30"],
  });
  const url = new URL("http://registry.test/v2/");
  const response = await client.client.request({ method: "GET", url }, never);
  response.discard();
  assert.equal(response.status, 200);
  assert.deepEqual(target.paths("GET"), ["/v2/"]);
});

test("a registry that is not on loopback cannot redirect to loopback: HTTP_ADDRESS_REFUSED", async () => {
  await using victim = await startRegistry();
  await using proxy = await startProxy({
    answer: () => ({ status: 302, location: `${victim.url}/admin` }),
  });
  await using client = openTestClient({
    plainHttpHosts: ["registry.test"],
    proxyEnv: { http_proxy: proxy.url },
  });
  // A connection to the victim that was made for the user must not be used for it either.
  (await client.client.request(get(victim, "/v2/"), never)).discard();
  const url = new URL("http://registry.test/v2/");
  await assert.rejects(client.client.request({ method: "GET", url }, never), {
    code: "HTTP_ADDRESS_REFUSED",
  });
  assert.deepEqual(victim.paths("GET"), ["/v2/"]);
  assert.deepEqual(proxy.asked, ["GET http://registry.test/v2/"]);
});
