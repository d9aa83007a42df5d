import assert from "node:assert/strict";
import { test } from "node:test";
import { ConversionSlots } from "./conversion-slots.ts";

const never = new AbortController().signal;
const SMALL = 32 * 1024 * 1024;
const LARGE = SMALL + 1;

test("no more conversions run at a time than there are places, and in the order of their calls", async () => {
  const slots = new ConversionSlots(2);
  const events: string[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 7 }, async (_, number) => {
      using _place = await slots.take(LARGE, never);
      events.push(String(number));
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
    }),
  );
  assert.equal(most, 2);
  assert.deepEqual(events, ["0", "1", "2", "3", "4", "5", "6"]);
});

test("who leaves while he waits takes no place from those behind him", async () => {
  const slots = new ConversionSlots(1);
  const first = await slots.take(LARGE, never);
  const leaving = new AbortController();
  const reason = new Error("left");
  const second = slots.take(LARGE, leaving.signal);
  const third = slots.take(LARGE, never);
  leaving.abort(reason);
  await assert.rejects(second, reason);
  await assert.rejects(slots.take(LARGE, leaving.signal), reason);
  first[Symbol.dispose]();
  // Given back once, however often.
  first[Symbol.dispose]();
  const place = await third;
  const fourth = slots.take(LARGE, never);
  place[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
});

test("large images leave a place for small ones, and small ones for large ones", async () => {
  for (const [many, other] of [
    [LARGE, SMALL],
    [SMALL, LARGE],
  ] as const) {
    const slots = new ConversionSlots(2);
    const first = await slots.take(many, never);
    using _second = await slots.take(many, never);
    const third = slots.take(many, never);
    {
      using _other = await slots.take(other, never);
      // One more than all that there are.
      const stop = new AbortController();
      const late = slots.take(other, stop.signal);
      stop.abort(new Error("no place"));
      await assert.rejects(late, /no place/);
    }
    first[Symbol.dispose]();
    (await third)[Symbol.dispose]();
  }
});
