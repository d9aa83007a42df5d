import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { startKeyServer, type KeyServer } from "../../test/fixtures/key-server/index.ts";
import { HttpClient } from "../http/index.ts";
import {
  armoredKey,
  keyBytes,
  mergedKey,
  publicKeyOf,
  type Certificate,
  type OpenPgpKey,
} from "../signing/index.ts";
import { keyOf, never } from "./keys-fixture.ts";
import { pullKey } from "./key-server.ts";

const LONG = { timeoutMs: 60_000 };
const SHORT = { timeoutMs: 200 };

let first: KeyServer;
let second: KeyServer;
let alice: Certificate;
let bob: Certificate;
let client: HttpClient;

before(async () => {
  [first, second] = await Promise.all([startKeyServer(), startKeyServer()]);
  [alice, bob] = await Promise.all([keyOf("Alice"), keyOf("Bob")]);
  client = new HttpClient({
    userAgent: "siflet-test/1",
    plainHttpHosts: [],
    clock: { now: Date.now, sleep: () => Promise.resolve() },
    random: () => 0.5,
  });
});

after(async () => {
  await client[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

beforeEach(() => {
  for (const server of [first, second]) {
    server.requests.length = 0;
    server.keys.clear();
    server.fault = undefined;
  }
});

function urlOf({ url }: KeyServer, path = ""): URL {
  return new URL(url.replace(/^hkp:/, "http:") + path);
}

function armored(key: Certificate): string {
  return armoredKey(publicKeyOf(key));
}

function put(server: KeyServer, key: Certificate): void {
  server.keys.set(key.getFingerprint().toUpperCase(), armored(key));
}

async function pull(servers: readonly URL[], options = LONG): Promise<OpenPgpKey> {
  return await pullKey(alice.getFingerprint(), servers, client, options, never);
}

test("a key is asked for by its whole fingerprint, and comes with the server's name", async () => {
  put(first, alice);
  const { key, source } = await pull([urlOf(first), urlOf(second)]);
  assert.equal(key.getFingerprint(), alice.getFingerprint());
  assert.equal(source, urlOf(first).href);
  const search = `0x${alice.getFingerprint().toUpperCase()}`;
  assert.deepEqual(first.requests, [`/pks/lookup?op=get&options=mr&exact=on&search=${search}`]);
  assert.deepEqual(second.requests, []);
});

test("the lookup stands behind the path of the server", async () => {
  put(first, alice);
  await pull([urlOf(first, "/keys/")]);
  assert.match(first.requests[0] ?? "", /^\/keys\/pks\/lookup\?op=get/);
});

const faults: readonly {
  readonly name: string;
  readonly fault: () => KeyServer["fault"];
  readonly reason: RegExp;
}[] = [
  {
    name: "has no such key",
    fault: () => ({ kind: "status", status: 404 }),
    reason: /it has no such key/,
  },
  {
    name: "fails",
    fault: () => ({ kind: "status", status: 500 }),
    reason: /status 500/,
  },
  {
    name: "wants to know who asks",
    fault: () => ({ kind: "status", status: 401 }),
    reason: /status 401/,
  },
  {
    name: "sends another key than asked",
    fault: () => ({ kind: "body", body: armored(bob) }),
    reason: /it sent another key, [0-9a-f]{40}/,
  },
  {
    name: "sends a secret key",
    fault: () => ({ kind: "body", body: armoredKey(alice) }),
    reason: /expected public keys, got a secret one/,
  },
  {
    name: "sends a secret key behind the wanted one",
    fault: () => ({ kind: "body", body: armored(alice) + armoredKey(bob) }),
    reason: /expected public keys, got a secret one/,
  },
  {
    name: "sends a page",
    fault: () => ({ kind: "body", body: "<html>Welcome</html>" }),
    reason: /expected OpenPGP keys/,
  },
  {
    name: "sends nothing",
    fault: () => ({ kind: "body", body: "" }),
    reason: /it sent no key/,
  },
  {
    name: "sends packets that are cut",
    fault: () => ({ kind: "body", body: keyBytes(publicKeyOf(alice)).subarray(0, 40) }),
    reason: /expected OpenPGP keys/,
  },
  {
    name: "sends more than a mebibyte",
    fault: () => ({ kind: "body", body: armored(alice) + " ".repeat(1024 * 1024) }),
    reason: /expected at most 1048576 bytes, got more/,
  },
  {
    name: "breaks off",
    fault: () => ({ kind: "cut", body: armored(alice) }),
    reason: /more of the body/,
  },
  {
    name: "leads to where plain http may not be spoken",
    fault: () => ({ kind: "status", status: 302, location: "http://keys.example/pks/lookup" }),
    reason: /https/,
  },
];

for (const { name, fault, reason } of faults) {
  test(`where a server ${name}, the next one is asked`, async () => {
    first.fault = fault();
    put(second, alice);
    const { source } = await pull([urlOf(first), urlOf(second)]);
    assert.equal(source, urlOf(second).href);
    assert.equal(first.requests.length, 1, "no server is asked twice");
  });

  test(`where every server ${name}, each one's reason is told`, async () => {
    first.fault = fault();
    second.fault = fault();
    const isAbsent = name === "has no such key";
    await assert.rejects(pull([urlOf(first), urlOf(second)]), (error: Error & { code: string }) => {
      assert.equal(error.code, isAbsent ? "KEY_NOT_FOUND" : "KEY_SERVER");
      const told = error.message.split("; ");
      assert.equal(told.length, 2);
      [first, second].forEach((server, at) => {
        assert.ok(told[at]?.includes(`${urlOf(server).href}: `), error.message);
        assert.match(told[at] ?? "", reason);
      });
      return true;
    });
  });
}

for (const fault of [{ kind: "silence" }, { kind: "stall", body: "-----BEGIN" }] as const) {
  test(`a server that is slow (${fault.kind}) is not waited for without end`, async () => {
    first.fault = fault;
    await assert.rejects(pull([urlOf(first)], SHORT), {
      code: "KEY_SERVER",
      message: /no whole answer within 200 ms/,
    });
    put(second, alice);
    const { source } = await pull([urlOf(first), urlOf(second)], SHORT);
    assert.equal(source, urlOf(second).href);
  });
}

test("a server that cannot be reached is passed over", async () => {
  const gone = await startKeyServer();
  await gone[Symbol.asyncDispose]();
  put(second, alice);
  assert.equal((await pull([urlOf(gone), urlOf(second)])).source, urlOf(second).href);
});

test("plain http is spoken to no server but loopback and those that are named for it", async () => {
  await assert.rejects(pull([new URL("http://keys.example:11371")]), {
    code: "KEY_SERVER",
    message: /expected https, for keys\.example:11371 is neither loopback nor named/,
  });
});

test("of several keys the wanted one is taken, all that is sent of it together", async () => {
  const other = await keyOf("Carol");
  first.fault = { kind: "body", body: armored(bob) + armored(alice) + armored(other) };
  assert.deepEqual((await pull([urlOf(first)])).key.getUserIDs(), alice.getUserIDs());
  first.fault = { kind: "body", body: armored(alice) + armored(alice) };
  const { key } = await pull([urlOf(first)]);
  assert.deepEqual(
    keyBytes(key),
    keyBytes(await mergedKey(publicKeyOf(alice), publicKeyOf(alice))),
  );
});

test("a key without user ids, as keys.openpgp.org sends it, is taken", async () => {
  // Its first packet alone: a public key of version 4, and its length in one byte.
  const bytes = keyBytes(publicKeyOf(alice));
  const bare = bytes.subarray(0, 2 + (bytes[1] ?? 0));
  first.fault = { kind: "body", body: bare };
  const { key } = await pull([urlOf(first)]);
  assert.equal(key.getFingerprint(), alice.getFingerprint());
  assert.deepEqual(key.getUserIDs(), []);
});

test("a lookup that is aborted asks nobody else", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  first.fault = { kind: "silence" };
  const pulled = pullKey(
    alice.getFingerprint(),
    [urlOf(first), urlOf(second)],
    client,
    LONG,
    controller.signal,
  );
  while (first.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  await assert.rejects(pulled, (error) => error === reason);
  assert.deepEqual(second.requests, []);
});
