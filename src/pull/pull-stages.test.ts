import assert from "node:assert/strict";
import { test } from "node:test";
import type { PullEvent } from "./pull-events.ts";
import { parseDigest } from "../image/index.ts";
import { PullStages } from "./pull-stages.ts";

const DIGEST = parseDigest(`sha256:${"1".repeat(64)}`);
const RESOLVED: PullEvent = { kind: "resolved", digest: DIGEST, layers: [] };

/** Events, each with the time that it comes at. */
function stagesOf(events: readonly (readonly [atMs: number, event: PullEvent])[]): PullStages {
  let ms = 0;
  const stages = new PullStages(() => ms);
  for (const [atMs, event] of events) {
    ms = atMs;
    stages.apply(event);
  }
  return stages;
}

test("a pull that converts: each stage from its begin to where it was last seen", () => {
  const stages = stagesOf([
    [10, { kind: "step", step: "verify", at: "begin" }],
    [15, { kind: "step", step: "verify", at: "end" }],
    [20, RESOLVED],
    [30, { kind: "fetched", layer: 0, bytes: 5 }],
    [35, { kind: "converted", layer: 0, bytes: 9 }],
    [50, { kind: "fetched", layer: 0, bytes: 12 }],
    [55, { kind: "layer-done", layer: 0 }],
    [60, { kind: "fetched", layer: 1, bytes: 10, resumed: 7 }],
    [65, { kind: "layer-done", layer: 1 }],
    [66, { kind: "layer-done", layer: 2 }],
    [80, { kind: "written", bytes: 1, total: 1 }],
    [81, { kind: "step", step: "verify", at: "begin" }],
    [84, { kind: "step", step: "verify", at: "end" }],
    [90, { kind: "step", step: "publish", at: "begin" }],
    [97, { kind: "step", step: "publish", at: "end" }],
  ]);
  assert.deepEqual(
    [...stages.tookMs],
    [
      ["verify", 8],
      ["resolve", 20],
      ["fetch", 40],
      ["convert", 45],
      ["publish", 7],
    ],
  );
  assert.equal(stages.fetchedBytes, 15);
  assert.equal(stages.resumedBytes, 7);
  assert.deepEqual(stages.layers, { fetched: 2, reused: 1 });
  assert.equal(stages.elapsedMs, 97);
  assert.equal(stages.isPresent, false);
});

test("a pull of what is there has no stage but those that it went through", () => {
  const stages = stagesOf([
    [1, { kind: "warning", message: "slow" }],
    [2, { kind: "present", id: "a" }],
  ]);
  assert.deepEqual([...stages.tookMs], []);
  assert.equal(stages.isPresent, true);
  assert.deepEqual(stages.layers, { fetched: 0, reused: 0 });
});

test("a step that fails is not measured", () => {
  const stages = stagesOf([[5, { kind: "step", step: "verify", at: "begin" }]]);
  assert.deepEqual([...stages.tookMs], []);
});
