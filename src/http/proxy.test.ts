import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { inspect } from "node:util";
import { AUTHORITY_DIRECTORY, identity } from "../../test/fixtures/authority/index.ts";
import {
  openTestClient,
  startProxy,
  startRegistry,
  TEST_CERTIFICATE,
} from "../../test/fixtures/registry/index.ts";
import { HttpError } from "./http-error.ts";

const never = new AbortController().signal;
/** `user:hunter2` */
const AUTHORIZATION = "Basic dXNlcjpodW50ZXIy";

test("https goes through a proxy's tunnel, loopback past it", async () => {
  await using registry = await startRegistry({ tls: true });
  const port = Number(new URL(registry.url).port);
  await using proxy = await startProxy({ tunnelPort: port });
  await using client = openTestClient({
    ca: [TEST_CERTIFICATE],
    proxyEnv: { HTTPS_PROXY: proxy.url },
  });
  const url = new URL(`https://registry.test:${port}/v2/`);
  const response = await client.client.request({ method: "GET", url }, never);
  response.discard();
  assert.equal(response.status, 200);
  const direct = new URL("/v2/", registry.url);
  (await client.client.request({ method: "GET", url: direct }, never)).discard();
  assert.deepEqual(proxy.asked, [`CONNECT registry.test:${port}`]);
});

test("the proxy's password goes to the proxy, and to nobody behind it", async () => {
  await using registry = await startRegistry({ tls: true });
  const port = Number(new URL(registry.url).port);
  await using proxy = await startProxy({ tunnelPort: port, answer: () => ({ status: 200 }) });
  await using client = openTestClient({
    plainHttpHosts: ["plain.test"],
    ca: [TEST_CERTIFICATE],
    proxyEnv: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url },
  });
  for (const url of [`https://registry.test:${port}/v2/`, "http://plain.test/v2/"]) {
    (await client.client.request({ method: "GET", url: new URL(url) }, never)).discard();
  }
  assert.deepEqual(proxy.asked, [`CONNECT registry.test:${port}`, "GET http://plain.test/v2/"]);
  assert.deepEqual(proxy.credentials, [AUTHORIZATION, AUTHORIZATION]);
  assert.ok(!JSON.stringify(registry.requests).includes("dXNlcjpodW50ZXIy"));
});

test("NO_PROXY decides by the port, where Node's own rules do not", async () => {
  await using proxy = await startProxy({ answer: () => ({ status: 200 }) });
  await using client = openTestClient({
    plainHttpHosts: ["plain.test", "plain.test:5000"],
    proxyEnv: { http_proxy: proxy.url, NO_PROXY: "plain.test:5000,10.0.0.0/8" },
    resolve: () => Promise.resolve([]),
  });
  const get = (url: string): Promise<unknown> =>
    client.client.request({ method: "GET", url: new URL(url) }, never);
  await get("http://plain.test/v2/");
  await assert.rejects(get("http://plain.test:5000/v2/"), {
    code: "HTTP_UNREACHABLE",
    message: "GET http://plain.test:5000/v2/: expected an answer, got no such host (ENOTFOUND)",
  });
  assert.deepEqual(proxy.asked, ["GET http://plain.test/v2/"]);
});

/** Whether this is the failure, and its cause and stack keep the proxy's password to themselves. */
function isSilently(error: unknown, message: string): boolean {
  assert.ok(error instanceof HttpError);
  assert.equal(error.code, "HTTP_UNREACHABLE");
  assert.equal(error.message, message);
  return !inspect(error).includes("hunter2");
}

test("a proxy that refuses its tunnel is HTTP_UNREACHABLE, and its password is not told", async () => {
  await using proxy = await startProxy({});
  await using client = openTestClient({ proxyEnv: { HTTPS_PROXY: proxy.url } });
  const url = new URL("https://registry.test/v2/");
  await assert.rejects(client.client.request({ method: "GET", url }, never), (error) =>
    isSilently(
      error,
      `GET https://registry.test/v2/ through the proxy ${proxy.host}: expected an answer, ` +
        "got no tunnel from the proxy (status 407)",
    ),
  );
});

test("a proxy that is not there is named, and its password is not told", async () => {
  const proxy = await startProxy({});
  await proxy[Symbol.asyncDispose]();
  await using client = openTestClient({ proxyEnv: { HTTPS_PROXY: proxy.url } });
  const url = new URL("https://registry.test/v2/");
  await assert.rejects(client.client.request({ method: "GET", url }, never), (error) =>
    isSilently(
      error,
      `GET https://registry.test/v2/ through the proxy ${proxy.host}: expected an answer, ` +
        "got connection refused (ECONNREFUSED)",
    ),
  );
});

test("a proxy that cannot be used is refused before anything is asked", async () => {
  await using client = openTestClient({
    proxyEnv: { HTTPS_PROXY: "socks5://user:hunter2@127.0.0.1:1080" },
    resolve: () => assert.fail("the host was looked up"),
  });
  const url = new URL("https://registry.test/v2/");
  await assert.rejects(client.client.request({ method: "GET", url }, never), {
    code: "HTTP_PROXY_INVALID",
    message: "HTTPS_PROXY: expected a proxy by http or https, got one by socks5",
  });
  assert.deepEqual(client.pauses, []);
});

const behindProxy = [
  "169.254.169.254",
  "169.254.169.254.",
  "2852039166",
  "0xa9fea9fe",
  "0xa9.0376.43518",
  "0251.0376.0251.0376",
  "%31%36%39.254.169.254",
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[fd00:ec2::254]",
  "[64:ff9b::a9fe:a9fe]",
  "10.0.0.1",
  "metadata.google.internal",
  "metadata.google.internal.",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
] as const;
const local = ["localhost", "localhost.", "x.localhost", "x.localhost.", "127.1", "[::1]"] as const;

for (const host of [...behindProxy, ...local]) {
  test(`a server behind a proxy cannot send us to ${host}`, async () => {
    const location = `http://${host}:1/latest/meta-data`;
    await using proxy = await startProxy({ answer: () => ({ status: 302, location }) });
    await using client = openTestClient({
      plainHttpHosts: ["plain.test", ...behindProxy.map((name) => `${name}:1`)],
      proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url },
      resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
    });
    const url = new URL("http://plain.test/v2/");
    await assert.rejects(client.client.request({ method: "GET", url }, never), {
      code: "HTTP_ADDRESS_REFUSED",
    });
    // As a realm, or a place to upload to, in the words of the client: named by that server.
    for (const method of ["GET", "PUT"] as const) {
      const named = { method, url: new URL(location), namedBy: url } as const;
      await assert.rejects(client.client.request(named, never), { code: "HTTP_ADDRESS_REFUSED" });
    }
    assert.deepEqual(proxy.asked, ["GET http://plain.test/v2/"]);
  });
}

test("who names a metadata service himself reaches it through the proxy", async () => {
  await using proxy = await startProxy({ answer: () => ({ status: 200 }) });
  await using client = openTestClient({
    plainHttpHosts: ["metadata.google.internal"],
    proxyEnv: { HTTP_PROXY: proxy.url },
  });
  const url = new URL("http://metadata.google.internal/v2/");
  (await client.client.request({ method: "GET", url }, never)).discard();
  assert.deepEqual(proxy.asked, ["GET http://metadata.google.internal/v2/"]);
});

test("a proxy by https is proved by what Node trusts, whatever the registry is proved by", async () => {
  await using registry = await startRegistry({ tls: true });
  const port = Number(new URL(registry.url).port);
  await using proxy = await startProxy({ tunnelPort: port, tls: identity("server") });
  await using client = openTestClient({ proxyEnv: { HTTPS_PROXY: proxy.url } });
  const url = new URL(`https://registry.test:${port}/v2/`);
  await assert.rejects(
    client.client.request({ method: "GET", url, tls: { verify: false } }, never),
    { code: "HTTP_UNREACHABLE", message: /through the proxy .*certificate/ },
  );
  assert.deepEqual(proxy.asked, []);
  // What Node trusts is read once in a process.
  const { exitCode, stdout } = await runClient(
    `{ proxyEnv: { HTTPS_PROXY: ${JSON.stringify(proxy.url)} }, ca: [${JSON.stringify(TEST_CERTIFICATE)}] }`,
    url.href,
  );
  assert.deepEqual([exitCode, stdout], [0, "200"]);
  assert.deepEqual(proxy.asked, [`CONNECT registry.test:${port}`]);
  assert.deepEqual(proxy.credentials, [AUTHORIZATION]);
});

async function runClient(
  options: string,
  url: string,
): Promise<{ exitCode: number | null; stdout: string }> {
  const fixtures = join(import.meta.dirname, "../../test/fixtures/registry/index.ts");
  const script =
    `import { openTestClient } from ${JSON.stringify(fixtures)};\n` +
    `await using client = openTestClient(${options});\n` +
    `const request = { method: "GET", url: new URL(${JSON.stringify(url)}) };\n` +
    "const response = await client.client.request(request, new AbortController().signal);\n" +
    "process.stdout.write(String(response.status));\n" +
    "response.discard();\n";
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    env: { NODE_EXTRA_CA_CERTS: join(AUTHORITY_DIRECTORY, "authority.crt") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const stdout = await child.stdout.setEncoding("utf8").toArray();
  await ended;
  return { exitCode: child.exitCode, stdout: stdout.join("") };
}
