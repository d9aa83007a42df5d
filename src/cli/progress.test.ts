import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../image/index.ts";
import type { PullEvent } from "../pull/index.ts";
import { openBarProgress } from "./bar-progress.ts";
import { capturedTerminal, screenOf } from "./cli-fixture.ts";
import { openLineProgress } from "./line-progress.ts";
import { progressFrame } from "./progress-frame.ts";
import { ProgressState } from "./progress-state.ts";

const DIGEST = parseDigest(`sha256:${"ab".repeat(32)}`);
const TERMINAL = { columns: 70, rows: 24 };

function resolved(...sizes: readonly number[]): PullEvent {
  const layers = sizes.map((size, index) => ({ index, digest: DIGEST, size }));
  return { kind: "resolved", digest: DIGEST, layers };
}

function frameAfter(events: readonly PullEvent[], terminal = TERMINAL): string[] {
  const state = new ProgressState();
  for (const event of events) state.apply(event);
  return progressFrame("app:1", state, terminal).split("\n");
}

const frames = [
  { name: "before anything is known", events: [], lines: ["Looking up app:1"] },
  {
    name: "with layers of which none has begun",
    events: [resolved(1000, 2000)],
    lines: ["Pulling app:1", "0 of 2 layers done"],
  },
  {
    name: "with one layer on its way, one being converted and one done",
    events: [
      resolved(1000, 2000, 3000),
      { kind: "fetched", layer: 0, bytes: 500 },
      { kind: "fetched", layer: 1, bytes: 2000 },
      { kind: "converted", layer: 1, bytes: 4_000_000 },
      { kind: "layer-done", layer: 2 },
    ],
    lines: [
      "Pulling app:1",
      "layer 1     [###############---------------]  500 B of 1.00 kB",
      "layer 2     [##############################]  converting, 4.00 MB",
      "1 of 3 layers done",
    ],
  },
  {
    name: "with the image being written",
    events: [
      resolved(1000),
      { kind: "layer-done", layer: 0 },
      { kind: "written", bytes: 1_000_000, total: 3_000_000 },
    ],
    lines: [
      "Pulling app:1",
      "1 of 1 layer done",
      "image       [##########--------------------]  1.00 MB of 3.00 MB",
    ],
  },
  {
    name: "with events of layers that nobody announced",
    events: [resolved(), { kind: "fetched", layer: 7, bytes: 1 }],
    lines: ["Pulling app:1", "0 of 0 layers done"],
  },
] satisfies readonly { name: string; events: readonly PullEvent[]; lines: readonly string[] }[];

for (const { name, events, lines } of frames) {
  test(`a frame of bars ${name}`, () => {
    assert.deepEqual(frameAfter(events), lines);
  });
}

test("a frame of bars fits a small terminal, however many layers are under way", () => {
  const sizes = Array.from({ length: 100 }, () => 1_000_000);
  const fetched = sizes.map((_, layer): PullEvent => ({ kind: "fetched", layer, bytes: 1 }));
  const written: PullEvent = { kind: "written", bytes: 1, total: 2 };
  const lines = frameAfter([resolved(...sizes), ...fetched, written], { columns: 40, rows: 6 });
  assert.ok(lines.length <= 5);
  assert.ok(lines.every((line) => line.length <= 40));
});

test("lines tell of layers at most twice a second, but always of the last", () => {
  const lines: string[] = [];
  let now = 0;
  using progress = openLineProgress(
    "app:1",
    (line) => lines.push(line),
    () => now,
  );
  progress.onEvent(resolved(...Array.from({ length: 50 }, () => 1000)));
  for (let layer = 0; layer < 50; layer += 1) {
    progress.onEvent({ kind: "fetched", layer, bytes: 1000 });
    progress.onEvent({ kind: "layer-done", layer });
    now += 20;
  }
  for (const bytes of [1, 2]) progress.onEvent({ kind: "written", bytes, total: 2000 });
  assert.deepEqual(lines, [
    "app:1: pulling",
    `app:1: ${DIGEST}, 50 layers, 50.0 kB`,
    "app:1: 1 of 50 layers done",
    "app:1: 26 of 50 layers done",
    "app:1: 50 of 50 layers done",
    "app:1: writing the image, 2.00 kB",
  ]);
});

test("lines show a warning as one harmless line", () => {
  const lines: string[] = [];
  using progress = openLineProgress(
    "app:1",
    (line) => lines.push(line),
    () => 0,
  );
  progress.onEvent({ kind: "warning", message: "odd\u001b[2J\nlayer" });
  progress.onEvent({ kind: "present", id: "00" });
  assert.deepEqual(lines.slice(1), ["siflet: warning: odd [2J layer", "app:1: present already"]);
});

test("bars leave the terminal with warnings alone", () => {
  const terminal = capturedTerminal();
  const progress = openBarProgress("app:1", terminal);
  progress.onEvent({ kind: "warning", message: "odd" });
  assert.equal(screenOf(terminal.text), "siflet: warning: odd");
  progress[Symbol.dispose]();
  assert.match(terminal.text, /Looking up app:1/);
  assert.equal(screenOf(terminal.text), "siflet: warning: odd");
});
