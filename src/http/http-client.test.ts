import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type FakeRegistry,
  openTestClient,
  startRegistry,
  TEST_CERTIFICATE,
} from "../../test/fixtures/registry/index.ts";
import { DEFAULT_TIMEOUTS, type HttpRequest, readUpTo } from "./index.ts";

const never = new AbortController().signal;

function get(registry: FakeRegistry, path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: "GET", url: new URL(path, registry.url), ...more };
}

/** Node's own client resolves `registry.test` nowhere; here it is loopback. */
const resolve = (): Promise<{ address: string; family: number }[]> =>
  Promise.resolve([{ address: "127.0.0.1", family: 4 }]);

const retried = [
  { name: "a cut connection", fault: { reset: true } },
  ...[408, 425, 429, 500, 502, 503, 504].map((status) => ({
    name: `status ${status}`,
    fault: { status },
  })),
];
for (const { name, fault } of retried) {
  test(`a request succeeds after ${name}, with growing pauses`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/v2/", { ...fault, times: 2 });
    await using http = openTestClient();
    const response = await http.client.request(get(registry, "/v2/"), never);
    assert.equal(response.status, 200);
    assert.equal(Buffer.from((await readUpTo(response, 100)).bytes).toString(), "{}");
    assert.deepEqual(http.pauses, [250, 500]);
  });
}

for (const status of [400, 401, 403, 404, 405, 410, 501]) {
  test(`status ${status} is returned at once`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/v2/", { status });
    await using http = openTestClient();
    const response = await http.client.request(get(registry, "/v2/"), never);
    assert.equal(response.status, status);
    response.discard();
    assert.equal(registry.requests.length, 1);
  });
}

test("when no try helps, the last answer is returned", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { status: 503 });
  await using http = openTestClient();
  const response = await http.client.request(get(registry, "/v2/"), never);
  assert.equal(response.status, 503);
  response.discard();
  assert.equal(registry.requests.length, 3);
});

const retryAfter = [
  { name: "seconds", value: "7", pauses: [7000] },
  { name: "a date", value: "Fri, 02 Jan 2026 03:04:35 GMT", pauses: [30_000] },
  { name: "a past date", value: "Fri, 02 Jan 2026 03:00:00 GMT", pauses: [0] },
  { name: "nonsense", value: "soon", pauses: [250] },
  { name: "more than the bound", value: "301", pauses: [] },
];
for (const { name, value, pauses } of retryAfter) {
  test(`Retry-After with ${name} makes the pauses ${JSON.stringify(pauses)}`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/v2/", { status: 429, times: 1, headers: { "retry-after": value } });
    await using http = openTestClient();
    const response = await http.client.request(get(registry, "/v2/"), never);
    response.discard();
    assert.equal(response.status, pauses.length === 0 ? 429 : 200);
    assert.deepEqual(http.pauses, pauses);
  });
}

test("nobody at the port is HTTP_UNREACHABLE, after all tries", async () => {
  const registry = await startRegistry();
  await registry.close();
  await using http = openTestClient();
  await assert.rejects(http.client.request(get(registry, "/v2/"), never), {
    code: "HTTP_UNREACHABLE",
    message: `GET http://${registry.host}/v2/: expected an answer, got connection refused (ECONNREFUSED)`,
  });
  assert.equal(http.pauses.length, 2);
});

test("an unknown host is HTTP_UNREACHABLE, at once", async () => {
  await using http = openTestClient({
    resolve: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
  });
  const url = new URL("https://registry.test/v2/");
  await assert.rejects(http.client.request({ method: "GET", url }, never), {
    code: "HTTP_UNREACHABLE",
    message: /no such host/,
  });
  assert.deepEqual(http.pauses, []);
});

test("a certificate that is not trusted is HTTP_UNREACHABLE, at once", async () => {
  await using registry = await startRegistry({ tls: true });
  await using http = openTestClient();
  await assert.rejects(http.client.request(get(registry, "/v2/"), never), {
    code: "HTTP_UNREACHABLE",
  });
  assert.deepEqual(http.pauses, []);
  assert.deepEqual(registry.requests, []);
});

test("a certificate in `ca` is trusted, and its host name checked", async () => {
  await using registry = await startRegistry({ tls: true });
  await using http = openTestClient({ ca: [TEST_CERTIFICATE], resolve });
  const response = await http.client.request(get(registry, "/v2/"), never);
  response.discard();
  assert.equal(response.status, 200);
  const other = new URL(registry.url);
  other.hostname = "other.test";
  await assert.rejects(http.client.request({ method: "GET", url: other }, never), {
    code: "HTTP_UNREACHABLE",
  });
});

test("plain http to a host that is not for it is HTTP_PROTOCOL, with no connection made", async () => {
  await using registry = await startRegistry();
  await using http = openTestClient({ resolve });
  const url = new URL(`http://registry.test:${new URL(registry.url).port}/v2/`);
  await assert.rejects(http.client.request({ method: "GET", url }, never), {
    code: "HTTP_PROTOCOL",
  });
  assert.deepEqual(registry.requests, []);
  await using told = openTestClient({ resolve, plainHttpHosts: [url.host] });
  (await told.client.request({ method: "GET", url }, never)).discard();
  assert.equal(registry.requests.length, 1);
});

const endless = new Uint8Array(1000).fill(65);
const silences = [
  {
    name: "no headers",
    fault: { silent: true },
    timeouts: { headersMs: 20 },
    code: "HTTP_TIMEOUT",
    message: /headers/,
  },
  {
    name: "a body that stalls",
    fault: { stallAt: 10, bytes: endless },
    timeouts: { idleMs: 20 },
    code: "HTTP_STALLED",
    message: /expected more of the body within 20 ms, got none after/,
  },
];
for (const { name, fault, timeouts, code, message } of silences) {
  test(`${name} is ${code}, and the connection is closed`, async () => {
    await using registry = await startRegistry();
    registry.addFault("/v2/", fault);
    const patience = { ...DEFAULT_TIMEOUTS, connectMs: 60_000 };
    await using http = openTestClient({ timeouts: { ...patience, ...timeouts } });
    const read = async (): Promise<unknown> =>
      await readUpTo(await http.client.request(get(registry, "/v2/"), never), 1e6);
    await assert.rejects(read(), { code, message });
    await registry.connectionsAtMost(0);
  });
}

test("a body that comes drop by drop is HTTP_STALLED, and the connection is closed", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { drips: true, bytes: Buffer.alloc(1e6) });
  let now = 0;
  await using http = openTestClient({ elapsedMs: () => (now += 1000) });
  const response = await http.client.request(get(registry, "/v2/"), never);
  await assert.rejects(readUpTo(response, 1e6), {
    code: "HTTP_STALLED",
    message: /expected 100 bytes a second of the body, got \d+ over 30 s$/,
  });
  await registry.connectionsAtMost(0);
});

test("a name service that never answers is HTTP_TIMEOUT", async () => {
  await using http = openTestClient({
    resolve: () => new Promise(() => undefined),
    timeouts: { ...DEFAULT_TIMEOUTS, connectMs: 20 },
  });
  const url = new URL("https://registry.test/v2/");
  await assert.rejects(http.client.request({ method: "GET", url }, never), {
    code: "HTTP_TIMEOUT",
    message: /connection within 20 ms/,
  });
});

test("a body cut before its end is HTTP_UNREACHABLE", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { truncateAt: 10, bytes: endless });
  await using http = openTestClient();
  const response = await http.client.request(get(registry, "/v2/"), never);
  await assert.rejects(readUpTo(response, 1e6), {
    code: "HTTP_UNREACHABLE",
    message: /after 10 bytes, got the connection was cut/,
  });
});

test("a reader may leave an endless body", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { endless: true, bytes: endless });
  await using http = openTestClient();
  const response = await http.client.request(get(registry, "/v2/"), never);
  assert.deepEqual(await readUpTo(response, 5000), {
    bytes: Buffer.alloc(5000, 65),
    more: true,
  });
  await registry.connectionsAtMost(0);
});

test("an endless body that nobody wants closes its connection", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { endless: true, bytes: endless });
  await using http = openTestClient();
  (await http.client.request(get(registry, "/v2/"), never)).discard();
  await registry.connectionsAtMost(0);
});

test("a Content-Encoding is not undone", async () => {
  await using registry = await startRegistry();
  registry.addFault("/v2/", { headers: { "content-encoding": "gzip" } });
  await using http = openTestClient();
  const response = await http.client.request(get(registry, "/v2/"), never);
  assert.equal(Buffer.from((await readUpTo(response, 100)).bytes).toString(), "{}");
  assert.equal(registry.requests[0]?.headers["accept-encoding"], "identity");
});

const aborted = [
  { name: "before the headers", fault: { silent: true } },
  { name: "in the body", fault: { stallAt: 10, bytes: endless } },
];
for (const { name, fault } of aborted) {
  test(`an abort ${name} is an AbortError, not tried again, and closes the connection`, async () => {
    await using registry = await startRegistry();
    const controller = new AbortController();
    registry.addFault("/v2/", fault);
    await using http = openTestClient();
    const read = async (): Promise<void> => {
      const request = http.client.request(get(registry, "/v2/"), controller.signal);
      if ("silent" in fault) setImmediate(abortOnceAsked);
      for await (const chunk of (await request).body) {
        assert.equal(chunk.length, 10);
        controller.abort(new Error("enough"));
      }
    };
    const abortOnceAsked = (): void => {
      if (registry.requests.length === 0) setImmediate(abortOnceAsked);
      else controller.abort(new Error("enough"));
    };
    await assert.rejects(read(), { name: "AbortError", cause: new Error("enough") });
    assert.equal(registry.requests.length, 1);
    await registry.connectionsAtMost(0);
  });
}

test("an abort before the start asks nobody", async () => {
  await using registry = await startRegistry();
  await using http = openTestClient();
  await assert.rejects(http.client.request(get(registry, "/v2/"), AbortSignal.abort()), {
    name: "AbortError",
  });
  assert.deepEqual(registry.requests, []);
});

test("connections are kept and used again", async () => {
  await using registry = await startRegistry();
  await using http = openTestClient();
  const ports = new Set<unknown>();
  for (let i = 0; i < 3; i++) {
    const response = await http.client.request(get(registry, "/v2/"), never);
    await readUpTo(response, 100);
    ports.add(registry.connections);
  }
  assert.deepEqual([...ports], [1]);
});
