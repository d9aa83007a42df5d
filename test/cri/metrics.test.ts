import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  askMetrics,
  DaemonPlace,
  readSamples,
  type RunningDaemon,
} from "../fixtures/daemon/index.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

interface Setup {
  readonly place: DaemonPlace;
  readonly daemon: RunningDaemon;
  /** Status and body of a path of its metrics. */
  readonly ask: (path: string) => Promise<readonly [status: number | undefined, body: string]>;
  /** The value of a sample. */
  readonly sample: (name: string) => Promise<number | undefined>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const place = await DaemonPlace.make();
  t.after(() => place[Symbol.asyncDispose]());
  const socketPath = join(place.directory, "metrics.sock");
  await place.configure(`daemon: {metrics: ${socketPath}}`);
  const daemon = await place.start();
  return {
    place,
    daemon,
    ask: (path) => askMetrics(socketPath, path),
    sample: async (name) => (await readSamples(socketPath)).get(name),
  };
}

test("a pull is seen in the metrics: calls, stages, bytes, what the store holds", async (t) => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "measured" }])] }), "1");
  const { daemon, ask, sample } = await setUp(t);
  using client = daemon.client();
  assert.equal(await sample("siflet_store_images"), 0);
  // Two calls, one of which finds it there or shares the work of the other.
  const reference = `${registry.host}/app:1`;
  await Promise.all([client.pull(reference), client.pull(reference)]);
  await assert.rejects(client.pull(`${registry.host}/missing:1`));
  await client.list();
  const call = 'grpc_service="runtime.v1.ImageService",grpc_method=';
  assert.equal(await sample(`grpc_server_handled_total{${call}"PullImage",grpc_code="OK"}`), 2);
  assert.equal(
    await sample(`grpc_server_handled_total{${call}"PullImage",grpc_code="NotFound"}`),
    1,
  );
  assert.equal(await sample(`grpc_server_handled_total{${call}"ListImages",grpc_code="OK"}`), 1);
  const pulls = "containerd_cri_sandboxed_image_pulls_total";
  assert.equal(await sample(`${pulls}{status="success"}`), 2);
  assert.equal(await sample(`${pulls}{status="failure"}`), 1);
  assert.equal(await sample("containerd_cri_sandboxed_in_progress_image_pulls_total"), 0);
  assert.equal(await sample('siflet_pulls_total{result="made"}'), 1);
  assert.equal(await sample('siflet_pull_failures_total{code="NOT_FOUND"}'), 1);
  assert.equal(await sample('siflet_layers_total{from="source"}'), 1);
  for (const stage of ["resolve", "fetch", "convert", "verify", "publish"]) {
    const count = await sample(`siflet_pull_stage_seconds_count{stage="${stage}"}`);
    assert.ok(count !== undefined && count > 0, stage);
  }
  assert.equal(await sample("siflet_store_images"), 1);
  assert.equal(await sample('siflet_transfers{state="running"}'), 0);
  assert.ok(((await sample("siflet_fetched_bytes_total")) ?? 0) > 0);
  assert.ok(((await sample("siflet_store_bytes")) ?? 0) > 0);
  assert.ok(((await sample("nodejs_eventloop_lag_p99_seconds")) ?? 0) > 0);
  assert.deepEqual(await ask("/healthz"), [200, "ok\n"]);
  assert.deepEqual(await ask("/readyz"), [200, "ok\n"]);
});

test("metrics are for the daemon's user and group, and end with it", async (t) => {
  const { place, daemon, ask } = await setUp(t);
  const { mode } = await stat(join(place.directory, "metrics.sock"));
  assert.equal(mode & 0o777, 0o660);
  assert.equal(await daemon.stop(), 0);
  await assert.rejects(ask("/healthz"), { code: "ENOENT" });
});

test("a second daemon takes neither socket nor metrics from the first", async (t) => {
  const { place, sample } = await setUp(t);
  await assert.rejects(place.start(), /metrics at .*EADDRINUSE|somebody listens there already/);
  assert.equal(await sample("siflet_store_images"), 0);
  // Nor does one with a socket of its own.
  const other = ["--socket", join(place.directory, "other.sock")];
  await assert.rejects(place.start({ words: other }), /metrics at .*EADDRINUSE/);
  assert.equal(await sample("siflet_store_images"), 0);
});

test("a daemon whose metrics cannot be served does not start", async (t) => {
  const place = await DaemonPlace.make();
  t.after(() => place[Symbol.asyncDispose]());
  await place.configure(`daemon: {metrics: ${place.directory}/no/such/metrics.sock}`);
  await assert.rejects(place.start(), /metrics at .*metrics\.sock: /);
});
