import assert from "node:assert/strict";
import { mkdtempDisposable, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { serveMetrics, type MetricsSource } from "./metrics-server.ts";

const SOURCE: MetricsSource = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",
  text: () => Promise.resolve("a 1\n"),
  notReady: () => Promise.resolve(undefined),
};
const LOOPBACK = { kind: "loopback", host: "127.0.0.1", port: 0 } as const;

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

async function ask(
  at: { readonly port?: number | undefined; readonly socketPath?: string },
  path: string,
  method = "GET",
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asked = request({ host: "127.0.0.1", ...at, path, method, agent: false }, (response) => {
    text(response).then((body) => {
      const { statusCode: status, headers } = response;
      resolve({ status, type: headers["content-type"], body });
    }, reject);
  });
  asked.on("error", reject);
  asked.end();
  return await promise;
}

const noFault = (error: unknown): void => {
  throw error;
};

test("metrics, health and readiness are answered, and nothing else", async () => {
  await using server = await serveMetrics(LOOPBACK, SOURCE, noFault);
  const { port } = server;
  assert.deepEqual(await ask({ port }, "/metrics?x"), {
    status: 200,
    type: SOURCE.contentType,
    body: "a 1\n",
  });
  assert.equal((await ask({ port }, "/healthz")).body, "ok\n");
  assert.equal((await ask({ port }, "/readyz")).status, 200);
  assert.equal((await ask({ port }, "/")).status, 404);
  assert.equal((await ask({ port }, "/metrics", "POST")).status, 405);
  assert.deepEqual(await ask({ port }, "/metrics", "HEAD"), {
    status: 200,
    type: SOURCE.contentType,
    body: "",
  });
});

test("a daemon that cannot serve says why, and lives", async () => {
  const source = { ...SOURCE, notReady: () => Promise.resolve("it is stopping") };
  await using server = await serveMetrics(LOOPBACK, source, noFault);
  const { status, body } = await ask({ port: server.port }, "/readyz");
  assert.deepEqual([status, body], [503, "it is stopping\n"]);
  assert.equal((await ask({ port: server.port }, "/healthz")).status, 200);
});

test("what cannot be measured is an error of the server, told to whoever keeps its log", async () => {
  const faults: unknown[] = [];
  const source = { ...SOURCE, text: () => Promise.reject(new Error("secret of the inside")) };
  await using server = await serveMetrics(LOOPBACK, source, (error) => faults.push(error));
  const { status, body } = await ask({ port: server.port }, "/metrics");
  assert.equal(status, 500);
  assert.ok(!body.includes("secret"));
  assert.equal(faults.length, 1);
});

test("a unix socket is for its owner and group, and takes the place of one that was left", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-metrics-"));
  const path = join(directory.path, "metrics.sock");
  const place = { kind: "path", path } as const;
  for (let start = 0; start < 2; start += 1) {
    const server = await serveMetrics(place, SOURCE, noFault);
    assert.equal((await stat(path)).mode & 0o777, 0o660);
    assert.equal((await ask({ socketPath: path }, "/metrics")).body, "a 1\n");
    await server[Symbol.asyncDispose]();
  }
});

test("a unix socket that somebody answers at stays theirs", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-metrics-"));
  const path = join(directory.path, "metrics.sock");
  const place = { kind: "path", path } as const;
  await using _first = await serveMetrics(place, SOURCE, noFault);
  await assert.rejects(serveMetrics(place, SOURCE, noFault), { code: "EADDRINUSE" });
  assert.equal((await ask({ socketPath: path }, "/metrics")).body, "a 1\n");
});

test("a file that is no socket stays as it is", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-metrics-"));
  const path = join(directory.path, "metrics.sock");
  await writeFile(path, "somebody's");
  await assert.rejects(serveMetrics({ kind: "path", path }, SOURCE, noFault), {
    code: "EADDRINUSE",
  });
  assert.ok((await stat(path)).isFile());
});

test("a port that is taken is an error", async () => {
  await using first = await serveMetrics(LOOPBACK, SOURCE, noFault);
  const taken = { ...LOOPBACK, port: first.port ?? 0 };
  await assert.rejects(serveMetrics(taken, SOURCE, noFault), { code: "EADDRINUSE" });
});
