import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import {
  connect as connectHttp2,
  createServer,
  type Http2ServerResponse,
  type ClientHttp2Session,
  type ClientHttp2Stream,
} from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { BoundedConnections, type ConnectionBounds } from "./bounded-connections.ts";

/** A server that answers when it is told to, within `bounds`. */
async function startServer(
  t: TestContext,
  bounds: ConnectionBounds,
): Promise<{
  /** A connection that may not have come yet. */
  readonly dial: () => ClientHttp2Session;
  /** One that the server knows. */
  readonly open: () => Promise<ClientHttp2Session>;
  readonly answer: () => void;
  /** The same with a body, or with the beginning of one. */
  readonly answerWith: (body: Uint8Array, isWhole: boolean) => void;
  readonly connections: BoundedConnections;
}> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-bounds-"));
  const waiting: Http2ServerResponse[] = [];
  const server = createServer((_request, response) => {
    waiting.push(response);
  });
  const connections = new BoundedConnections(server, bounds);
  const path = join(directory.path, "s");
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(async () => {
    for (const session of connections.sessions) session.destroy();
    server.close();
    await directory.remove();
  });
  const dial = (): ClientHttp2Session => {
    const session = connectHttp2("http://localhost", {
      createConnection: () => connect({ path }),
    });
    session.on("error", () => undefined);
    t.after(() => {
      session.destroy();
    });
    return session;
  };
  return {
    dial,
    open: async () => {
      const session = dial();
      await new Promise((resolve) => session.on("remoteSettings", resolve));
      return session;
    },
    answer: () => {
      for (const response of waiting.splice(0)) response.end();
    },
    connections,
    answerWith: (body, isWhole) => {
      for (const response of waiting.splice(0)) {
        if (isWhole) response.end(body);
        else response.write(body);
      }
    },
  };
}

async function isClosed(session: ClientHttp2Session): Promise<void> {
  if (session.closed) return;
  await new Promise((resolve) => session.on("close", resolve));
}

function request(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({ ":method": "POST" }, { endStream: false });
  stream.on("error", () => undefined);
  stream.resume();
  return stream;
}

async function reaches(session: ClientHttp2Session): Promise<void> {
  await new Promise((resolve) => session.ping(resolve));
}

test("of too many connections the one that was idle longest is closed, and none that works", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 60_000 });
  const working = await server.open();
  const stream = request(working);
  stream.end();
  await reaches(working);
  const idle = await server.open();
  const used = await server.open();
  const last = await server.open();
  await isClosed(idle);
  for (const session of [working, used, last]) {
    await reaches(session);
    assert.equal(session.closed, false);
  }
  // Once it has its answer it is idle like the others, and the one that was used last.
  server.answer();
  await new Promise((resolve) => stream.on("close", resolve));
  await server.open();
  await isClosed(used);
  await reaches(working);
});

test("where all connections work the one that came last is closed", async (t) => {
  const server = await startServer(t, { connections: 1, requestMs: 60_000 });
  const working = await server.open();
  request(working).end();
  await reaches(working);
  await isClosed(server.dial());
  await reaches(working);
});

test("a request that never ends is ended", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 20 });
  const session = await server.open();
  const stream = request(session);
  stream.write("half");
  await new Promise((resolve) => stream.on("close", resolve));
  await reaches(session);
  assert.equal(session.closed, false);
});

test("one that came whole may be answered later", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 20 });
  const session = await server.open();
  const late = request(session);
  const half = request(session);
  late.end("whole");
  half.write("half");
  // Its time was over no sooner than that of the one that came whole.
  await new Promise((resolve) => half.on("close", resolve));
  assert.equal(late.closed, false);
  server.answer();
  await new Promise((resolve) => late.on("close", resolve));
  assert.equal(late.rstCode, 0);
});

/** More than a client takes without being asked to read. */
const LARGE = Buffer.alloc(1_000_000);

function unread(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({ ":method": "POST" }, { endStream: true });
  stream.on("error", () => undefined);
  return stream.pause();
}

test("an answer that its client does not read is given up", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 20 });
  const session = await server.open();
  const stream = unread(session);
  await reaches(session);
  server.answerWith(LARGE, true);
  await new Promise((resolve) => stream.on("close", resolve));
  assert.notEqual(stream.rstCode, 0);
  await reaches(session);
  assert.equal(session.closed, false);
});

test("one that goes on is kept, however long nobody reads it", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 20 });
  const session = await server.open();
  const watch = unread(session);
  await reaches(session);
  server.answerWith(LARGE, false);
  const list = unread(session);
  await reaches(session);
  server.answerWith(LARGE, true);
  await new Promise((resolve) => list.on("close", resolve));
  assert.equal(watch.closed, false);
});

test("what nobody reads is dropped when the server ends, and nothing else", async (t) => {
  const server = await startServer(t, { connections: 3, requestMs: 60_000 });
  const session = await server.open();
  const watch = unread(session);
  await reaches(session);
  server.answerWith(LARGE, false);
  const late = unread(session);
  await reaches(session);
  server.connections.dropUnread();
  await new Promise((resolve) => watch.on("close", resolve));
  assert.equal(late.closed, false);
});
