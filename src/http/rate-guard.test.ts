import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { DEFAULT_TIMEOUTS, type Hop } from "./hop.ts";
import { RateGuard } from "./rate-guard.ts";

const hop: Hop = {
  method: "GET",
  url: new URL("https://r.test/v2/a/blobs/b"),
  headers: {},
  body: undefined,
  proxy: undefined,
  agent: new Agent(),
  lookup: () => undefined,
  timeouts: { ...DEFAULT_TIMEOUTS, minBytesPerSecond: 1000 },
  elapsedMs: () => 0,
};

interface Step {
  readonly waitMs: number;
  readonly bytes: number;
  readonly readMs?: number;
}

const second = { waitMs: 1000, bytes: 1000 };
const rows: readonly { name: string; steps: readonly Step[]; slow: boolean; least?: number }[] = [
  { name: "just enough", steps: Array<Step>(61).fill(second), slow: false },
  {
    name: "a byte a second too little",
    steps: Array<Step>(30).fill({ ...second, bytes: 999 }),
    slow: true,
  },
  {
    name: "too little for less than half a minute",
    steps: Array<Step>(29).fill({ ...second, bytes: 1 }),
    slow: false,
  },
  {
    name: "a burst, and then drops",
    steps: [{ waitMs: 30_000, bytes: 1e6 }, ...Array<Step>(30).fill({ ...second, bytes: 1 })],
    slow: true,
  },
  {
    name: "a quick server and a slow reader",
    steps: Array<Step>(50).fill({ waitMs: 10, bytes: 10, readMs: 60_000 }),
    slow: false,
  },
  {
    name: "drops where no rate is asked for",
    steps: Array<Step>(50).fill({ waitMs: 5000, bytes: 1 }),
    slow: false,
    least: 0,
  },
];
for (const { name, steps, slow, least = 1000 } of rows) {
  test(`a body with ${name} is ${slow ? "HTTP_STALLED" : "read"}`, () => {
    let now = 0;
    const timeouts = { ...hop.timeouts, minBytesPerSecond: least };
    const guard = new RateGuard({ ...hop, timeouts, elapsedMs: () => now });
    const read = (): void => {
      for (const { waitMs, bytes, readMs = 0 } of steps) {
        now += waitMs;
        guard.came(bytes);
        now += readMs;
        guard.waitsAgain();
      }
    };
    if (slow) {
      assert.throws(read, { code: "HTTP_STALLED", message: /expected 1000 bytes a second/ });
    } else read();
  });
}
