import assert from "node:assert/strict";
import { test } from "node:test";
import { ConversionSlots } from "./conversion-slots.ts";

const never = new AbortController().signal;

test("no more conversions run at a time than there are places, and in the order of their calls", async () => {
  const slots = new ConversionSlots(2);
  const events: string[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 7 }, async (_, number) => {
      using _place = await slots.take(never);
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
  const first = await slots.take(never);
  const leaving = new AbortController();
  const reason = new Error("left");
  const second = slots.take(leaving.signal);
  const third = slots.take(never);
  leaving.abort(reason);
  await assert.rejects(second, reason);
  await assert.rejects(slots.take(leaving.signal), reason);
  first[Symbol.dispose]();
  // Given back once, however often.
  first[Symbol.dispose]();
  const place = await third;
  const fourth = slots.take(never);
  place[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
});
