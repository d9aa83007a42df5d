import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { DaemonPlace, type RunningDaemon } from "../fixtures/daemon/index.ts";
import {
  basic,
  makeImage,
  startRegistry,
  startTokenServer,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

type LogRecord = Readonly<Record<string, unknown>>;

async function startDaemon(
  t: TestContext,
  settings: string,
): Promise<{ readonly place: DaemonPlace; readonly daemon: RunningDaemon }> {
  const place = await DaemonPlace.make();
  t.after(() => place[Symbol.asyncDispose]());
  await place.configure(`daemon: {${settings}}`);
  return { place, daemon: await place.start() };
}

async function newRegistry(t: TestContext): Promise<FakeRegistry> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  return registry;
}

const image = makeImage({ layers: [tar([{ path: "f", data: "logged" }])] });
const [layer] = image.layers;

/** All records of a daemon that writes JSON; fails where a line is none. */
function recordsOf({ log }: RunningDaemon): LogRecord[] {
  return log.map((line) => JSON.parse(line) as LogRecord);
}

test("a pull and a removal are told in records of one call each", async (t) => {
  const registry = await newRegistry(t);
  const { digest } = registry.putImage("app", image, "1");
  const { daemon } = await startDaemon(t, "logFormat: json");
  const client = daemon.client();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const reference = `${registry.host}/app:1`;
  const id = await client.pull(reference, {}, { metadata: { traceparent } });
  await client.status(reference);
  await client.remove(id, { metadata: { traceparent: "forged image=x" } });
  await assert.rejects(client.pull(`${registry.host}/missing:1`));
  client[Symbol.dispose]();
  assert.equal(await daemon.stop(), 0);

  const records = recordsOf(daemon);
  assert.match(String(records[0]?.["message"]), /^serving /);
  assert.equal(records.at(-1)?.["message"], "stopped");
  assert.ok(records.every(({ level }) => level !== "debug"));
  const named = (message: string): LogRecord => {
    const found = records.find((record) => record["message"] === message);
    assert.ok(found !== undefined, message);
    return found;
  };
  const resolved = named("resolved");
  assert.deepEqual(
    [resolved["digest"], resolved["layers"], resolved["bytes"]],
    [digest, 1, layer?.size],
  );
  const { time, durationMs, stagesMs, ...pulled } = named("pulled");
  const { call } = pulled;
  assert.match(String(call), /^[0-9a-f]{8}-1$/);
  assert.deepEqual([named("pulling")["call"], resolved["call"]], [call, call]);
  assert.deepEqual(pulled, {
    level: "info",
    message: "pulled",
    call,
    service: "runtime.v1.ImageService",
    method: "PullImage",
    code: "OK",
    image: reference,
    imageId: id,
    isPresent: false,
    fetchedBytes: layer?.size,
    reusedLayers: 0,
    traceparent,
  });
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.ok(Number(durationMs) > 0);
  assert.deepEqual(Object.keys(stagesMs as object).sort(), [
    "convert",
    "fetch",
    "publish",
    "resolve",
    "verify",
  ]);
  const removed = named("removed");
  assert.deepEqual([removed["image"], removed["imageId"]], [id, id]);
  assert.equal(removed["traceparent"], undefined);
  const failed = named("PullImage failed");
  assert.deepEqual(
    [failed["level"], failed["code"], failed["errorCode"]],
    ["warn", "NOT_FOUND", "NOT_FOUND"],
  );
});

test("the level is that of the configuration, also when it changes", async (t) => {
  const { place, daemon } = await startDaemon(t, "logLevel: info");
  using client = daemon.client();
  await client.list();
  await place.configure("daemon: {logLevel: debug}");
  daemon.signal("SIGHUP");
  await daemon.said(/the configuration was read again/);
  await client.fsInfo();
  await daemon.said(/DEBUG answered .*method=ImageFsInfo code=OK/);
  assert.ok(!daemon.log.some((line) => line.includes("ListImages")));
  await place.configure("daemon: {logLevel: debug, logFormat: json}");
  daemon.signal("SIGHUP");
  await daemon.said(/WARN .*daemon\.logFormat has changed .*: that needs a restart/);
});

test("a reference of a stranger forges no record", async (t) => {
  const { daemon } = await startDaemon(t, "logFormat: human, logLevel: debug");
  using client = daemon.client();
  await assert.rejects(
    client.pull("a\n2026-01-01T00:00:00.000Z INFO  pulled image=evil\u001b[2J\u2028"),
  );
  const line = await daemon.said(/PullImage failed/);
  assert.match(line, /errorCode=/);
  assert.ok(!daemon.log.some((each) => each.startsWith("2026-01-01T00:00:00.000Z")));
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  assert.doesNotMatch(daemon.log.join(""), /[\u0000-\u001f\u2028]/);
});

const SECRET = 'geheim"wort+/zzz';
const SIGNED = "signature0f7a";
const auths = [
  { username: "bob", password: SECRET },
  { auth: base64(`bob:${SECRET}`) },
  { identityToken: `refresh-${SECRET}` },
  { registryToken: `ready-${SECRET}` },
  { username: "bob", password: `wrong-${SECRET}` },
  { auth: base64(`bob:wrong-${SECRET}`) },
  { identityToken: `wrong-${SECRET}` },
  { registryToken: `wrong-${SECRET}` },
  // These are refused before anybody is asked.
  { username: "bob", auth: base64(SECRET) },
  { password: SECRET },
] as const;

/** All forms in which somebody who was shown `auth` could repeat it. */
function formsOf(auth: Readonly<Record<string, string>>): string[] {
  const { username, ...secrets } = auth;
  return Object.values(secrets).flatMap((secret) => [
    secret,
    base64(secret),
    ...(username === undefined ? [] : [base64(`${username}:${secret}`)]),
  ]);
}

/** Parts of secrets that no line may have, in the forms in which something could write them. */
const HIDDEN = [
  "geheim",
  "wort+/zzz",
  encodeURIComponent("wort+/zzz"),
  SIGNED,
  "token-1",
  "user-of-url",
  ...auths.flatMap(formsOf),
];

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** A registry that wants credentials, sends to signed URLs, and repeats to whom it refuses what it was shown. */
async function guardedRegistry(t: TestContext): Promise<FakeRegistry> {
  const registry = await newRegistry(t);
  const tokens = await startTokenServer();
  t.after(() => tokens[Symbol.asyncDispose]());
  tokens.admits = new Set([basic("bob", SECRET)]);
  tokens.refreshTokens = new Set([`refresh-${SECRET}`]);
  registry.guardWith({
    challenge: (repository) => tokens.challenge(repository),
    allows: (given, repository) =>
      given === `Bearer ready-${SECRET}` || tokens.allows(given, repository),
  });
  registry.putImage("team/app", image, "1");
  const path = `/v2/team/app/blobs/${layer?.digest ?? ""}`;
  registry.addFault(path, { method: "GET", times: 1, redirect: `${path}?X-Sig=${SIGNED}` });
  for (const [index, auth] of auths.entries()) {
    const forms = [...formsOf(auth), "https://user-of-url@h.test/a?s=" + SIGNED];
    for (const [part, form] of forms.entries()) {
      const message = `refused: ${form}`;
      const bytes = Buffer.from(JSON.stringify({ errors: [{ code: "DENIED", message }] }));
      registry.addFault(`/v2/team/echo-${index}-${part}/manifests/1`, { status: 400, bytes });
    }
  }
  registry.putImage("team/lost", image, "1");
  registry.addFault(`/v2/team/lost/manifests/1`, {
    redirect: `${registry.url}/nowhere?X-Sig=${SIGNED}`,
  });
  return registry;
}

for (const format of ["human", "json"] as const) {
  test(`no credential, no token and no signed query is in a log of all details: ${format}`, async (t) => {
    const registry = await guardedRegistry(t);
    const { daemon } = await startDaemon(t, `logFormat: ${format}, logLevel: debug`);
    const client = daemon.client();
    let pulled = 0;
    let failures = auths.length + 1;
    for (const [index, auth] of auths.entries()) {
      const id = await client.pull(`${registry.host}/team/app:1`, { auth }).catch(() => undefined);
      if (id !== undefined) pulled += 1;
      const echoes = [...formsOf(auth), ""].map((_, part) => `echo-${index}-${part}`);
      for (const name of [...echoes, "lost"]) {
        await assert.rejects(client.pull(`${registry.host}/team/${name}:1`, { auth }));
        failures += 1;
      }
    }
    const withUser = `https://user-of-url:${SECRET}@${registry.host}/team/app:1?X-Sig=${SIGNED}`;
    await assert.rejects(client.pull(withUser));
    await client.status(withUser).catch(() => undefined);
    await client.remove(withUser).catch(() => undefined);
    client[Symbol.dispose]();
    assert.equal(await daemon.stop(), 0);
    assert.equal(pulled, 4);
    const calls = daemon.log.filter((line) => line.includes("PullImage failed"));
    assert.equal(calls.length, failures - pulled);
    assert.ok(daemon.log.some((line) => line.includes("refused: [redacted]")));
    assert.ok(registry.requests.some(({ path }) => path.includes(SIGNED)));
    for (const hidden of HIDDEN) {
      const shown = daemon.log.filter((line) => line.includes(hidden));
      assert.deepEqual(shown, [], hidden);
    }
  });
}
