import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "../base/index.ts";
import { DaemonMetrics, type MeasuredNow } from "./daemon-metrics.ts";

const NOW: MeasuredNow = {
  images: 3,
  borrows: 1,
  files: 7,
  bytes: 4096,
  transfersRunning: 2,
  transfersWaiting: 5,
};

interface Setup {
  readonly metrics: DaemonMetrics;
  readonly wait: (ms: number) => void;
  /** The samples of one metric, as they are printed. */
  readonly samples: (name: string) => Promise<readonly string[]>;
}

function setUp(): Setup {
  let ms = 0;
  const metrics = new DaemonMetrics({ version: "1.2.3", now: () => ms });
  return {
    metrics,
    wait: (more) => {
      ms += more;
    },
    samples: async (name) =>
      (await metrics.text(NOW)).split("\n").filter((line) => line.startsWith(name)),
  };
}

test("calls are counted by method and by Go's name of their code", async () => {
  const { metrics, wait, samples } = setUp();
  const call = { service: "runtime.v1.ImageService", method: "ImageStatus" };
  const ended = metrics.called(call);
  wait(30);
  ended({ code: "NOT_FOUND" });
  metrics.called(call)({ code: "OK" });
  const labels = 'grpc_service="runtime.v1.ImageService",grpc_method="ImageStatus"';
  assert.deepEqual(await samples("grpc_server_started_total"), [
    `grpc_server_started_total{${labels}} 2`,
  ]);
  assert.deepEqual(await samples("grpc_server_handled_total"), [
    `grpc_server_handled_total{${labels},grpc_code="NotFound"} 1`,
    `grpc_server_handled_total{${labels},grpc_code="OK"} 1`,
  ]);
  assert.deepEqual(await samples("grpc_server_handling_seconds_sum"), [
    `grpc_server_handling_seconds_sum{${labels}} 0.03`,
  ]);
});

test("pulls have containerd's names: under way, succeeded, failed", async () => {
  const { metrics, samples } = setUp();
  const pull = { service: "runtime.v1.ImageService", method: "PullImage" };
  const [first, second] = [metrics.called(pull), metrics.called(pull)];
  const underWay = "containerd_cri_sandboxed_in_progress_image_pulls_total";
  assert.deepEqual(await samples(underWay), [`${underWay} 2`]);
  first({ code: "OK" });
  second({ code: "CANCELLED" });
  assert.deepEqual(await samples(underWay), [`${underWay} 0`]);
  assert.deepEqual(await samples("containerd_cri_sandboxed_image_pulls_total"), [
    'containerd_cri_sandboxed_image_pulls_total{status="success"} 1',
    'containerd_cri_sandboxed_image_pulls_total{status="failure"} 1',
  ]);
});

test("what pulls move and reuse is counted once, with their throughput and their failures", async () => {
  const { metrics, wait, samples } = setUp();
  const made = metrics.watch();
  made.onEvent({ kind: "fetched", layer: 0, bytes: 5 * 1024 * 1024, resumed: 1024 * 1024 });
  made.onEvent({ kind: "layer-done", layer: 0 });
  made.onEvent({ kind: "layer-done", layer: 1 });
  wait(2000);
  made.ended(undefined);
  const present = metrics.watch();
  present.onEvent({ kind: "present", id: "a" });
  present.ended(undefined);
  metrics.watch().ended(new CodedError("NO_SPACE", "no room"));
  metrics.watch().ended(new DOMException("left", "AbortError"));
  assert.deepEqual(await samples("siflet_fetched_bytes_total"), [
    "siflet_fetched_bytes_total 4194304",
  ]);
  assert.deepEqual(await samples("siflet_resumed_bytes_total"), [
    "siflet_resumed_bytes_total 1048576",
  ]);
  assert.deepEqual(await samples("siflet_layers_total"), [
    'siflet_layers_total{from="source"} 1',
    'siflet_layers_total{from="cache"} 1',
  ]);
  assert.deepEqual(await samples("siflet_pulls_total"), [
    'siflet_pulls_total{result="made"} 1',
    'siflet_pulls_total{result="present"} 1',
    'siflet_pulls_total{result="failed"} 2',
  ]);
  assert.deepEqual(await samples("siflet_pull_failures_total"), [
    'siflet_pull_failures_total{code="NO_SPACE"} 1',
    'siflet_pull_failures_total{code="ABORTED"} 1',
  ]);
  const throughput = "containerd_cri_sandboxed_image_pulling_throughput_mibps";
  assert.deepEqual(await samples(`${throughput}_sum`), [`${throughput}_sum 2`]);
  assert.deepEqual(await samples(`${throughput}_count`), [`${throughput}_count 1`]);
});

test("what the store holds is measured when it is asked for", async () => {
  const { samples } = setUp();
  assert.deepEqual(await samples("siflet_store_"), [
    "siflet_store_images 3",
    "siflet_store_borrows 1",
    "siflet_store_files 7",
    "siflet_store_bytes 4096",
  ]);
  assert.deepEqual(await samples("siflet_transfers"), [
    'siflet_transfers{state="running"} 2',
    'siflet_transfers{state="waiting"} 5',
  ]);
  assert.deepEqual(await samples("siflet_build_info"), ['siflet_build_info{version="1.2.3"} 1']);
});

test("housekeeping is counted", async () => {
  const { metrics, samples } = setUp();
  metrics.collected(10);
  metrics.collected(5);
  metrics.checked({ sound: 4, faulty: 1 });
  assert.deepEqual(await samples("siflet_removed_bytes_total"), [
    'siflet_removed_bytes_total{by="gc"} 15',
  ]);
  assert.deepEqual(await samples("siflet_checked_images_total"), [
    'siflet_checked_images_total{result="sound"} 4',
    'siflet_checked_images_total{result="faulty"} 1',
  ]);
});

test("the process tells of its event loop and its memory, also when nothing can be measured", async () => {
  const { metrics } = setUp();
  const lines = (await metrics.text()).split("\n");
  assert.ok(!lines.some((line) => line.startsWith("siflet_store_")));
  for (const name of ["nodejs_eventloop_lag_p99_seconds ", "process_resident_memory_bytes "]) {
    assert.equal(lines.filter((line) => line.startsWith(name)).length, 1);
  }
});
