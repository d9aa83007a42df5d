import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import tls, { TLSSocket } from "node:tls";
import { test } from "node:test";
import { AUTHORITY, identity, type Vouched } from "../../test/fixtures/authority/index.ts";
import { openTestClient } from "../../test/fixtures/registry/index.ts";
import type { HttpClient } from "./index.ts";
import { nodeTlsOptions, type TlsSettings } from "./tls-settings.ts";

const never = new AbortController().signal;

interface TlsServer extends AsyncDisposable {
  readonly url: string;
  readonly connections: number;
  /** Who each request was shown to be by: the name in the client's certificate. */
  readonly callers: readonly (string | undefined)[];
}

/** A server that answers 200, or sends everybody to `location`; `wanted`: only with a client certificate. */
async function startTlsServer(
  name: Vouched,
  { wanted = false, location }: { wanted?: boolean; location?: string } = {},
): Promise<TlsServer> {
  const { certificate: cert, key } = identity(name);
  const callers: (string | undefined)[] = [];
  let connections = 0;
  const server = https.createServer(
    { cert, key, ca: [AUTHORITY], requestCert: true, rejectUnauthorized: wanted },
    (request, response) => {
      assert.ok(request.socket instanceof TLSSocket);
      const { subject } = request.socket.getPeerCertificate();
      callers.push((subject as { CN?: string } | undefined)?.CN);
      if (location === undefined) response.writeHead(200).end();
      else response.writeHead(307, { location }).end();
    },
  );
  server.on("secureConnection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    callers,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function ask(client: HttpClient, url: string, settings?: TlsSettings): Promise<number> {
  const request = { method: "GET", url: new URL("/", url) } as const;
  const response = await client.request(
    { ...request, ...(settings !== undefined && { tls: settings }) },
    never,
  );
  // Read to its end, so that the connection is free for the next one.
  assert.deepEqual(await Array.fromAsync(response.body), []);
  return response.status;
}

const TRUSTED: TlsSettings = { ca: [AUTHORITY] };
const AS_CLIENT: TlsSettings = { ...TRUSTED, clients: [identity("client")] };
const UNCHECKED: TlsSettings = { verify: false };

const proofs = [
  { name: "a private authority that nobody named", server: "server", settings: {}, ok: false },
  { name: "a private authority that is named", server: "server", settings: TRUSTED, ok: true },
  { name: "another name in the certificate", server: "misnamed", settings: TRUSTED, ok: false },
  { name: "a certificate by itself", server: "stranger", settings: TRUSTED, ok: false },
  { name: "another name and no check", server: "misnamed", settings: UNCHECKED, ok: true },
  {
    name: "a certificate by itself and no check",
    server: "stranger",
    settings: UNCHECKED,
    ok: true,
  },
] as const;

for (const { name, server: who, settings, ok } of proofs) {
  test(`a server with ${name} is ${ok ? "believed" : "refused"}`, async () => {
    await using server = await startTlsServer(who);
    await using http = openTestClient();
    if (ok) {
      assert.equal(await ask(http.client, server.url, settings), 200);
      return;
    }
    await assert.rejects(ask(http.client, server.url, settings), { code: "HTTP_UNREACHABLE" });
    assert.deepEqual([server.callers, http.pauses], [[], []]);
  });
}

test("a server that wants a certificate gets the one that is configured, and no other one does", async () => {
  await using server = await startTlsServer("server", { wanted: true });
  await using http = openTestClient();
  assert.equal(await ask(http.client, server.url, AS_CLIENT), 200);
  for (const clients of [[], [identity("stranger")]]) {
    await assert.rejects(ask(http.client, server.url, { ...TRUSTED, clients }), {
      code: "HTTP_UNREACHABLE",
    });
  }
  assert.deepEqual(server.callers, ["siflet test client"]);
});

test("connections are shared under the same settings, and never under others", async () => {
  await using server = await startTlsServer("server");
  await using http = openTestClient();
  const { client } = http;
  for (let i = 0; i < 3; i++) await ask(client, server.url, { ...UNCHECKED });
  assert.equal(server.connections, 1);
  // What an unchecked connection is open to must not be asked over it under a check.
  await assert.rejects(ask(client, server.url), { code: "HTTP_UNREACHABLE" });
  await ask(client, server.url, TRUSTED);
  await ask(client, server.url, AS_CLIENT);
  await ask(client, server.url, TRUSTED);
  assert.equal(server.connections, 3);
  assert.deepEqual(server.callers.slice(3), [undefined, "siflet test client", undefined]);
});

test("settings of one host do not follow a redirect to another", async () => {
  await using other = await startTlsServer("server");
  await using server = await startTlsServer("server", { location: other.url });
  await using http = openTestClient();
  await assert.rejects(ask(http.client, server.url, UNCHECKED), { code: "HTTP_UNREACHABLE" });
  await using trusting = openTestClient({ ca: [AUTHORITY] });
  assert.equal(await ask(trusting.client, server.url, AS_CLIENT), 200);
  assert.deepEqual(server.callers.at(-1), "siflet test client");
  assert.deepEqual(other.callers, [undefined]);
});

test("authorities are added to those that are trusted anyway", () => {
  const { ca } = nodeTlsOptions(TRUSTED, []);
  const usual = tls.getCACertificates("default");
  assert.ok(usual.length > 0 && Array.isArray(ca));
  assert.ok([...usual, AUTHORITY].every((certificate) => ca.includes(certificate)));
  assert.equal(nodeTlsOptions(undefined, []).ca, undefined);
});
