import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

const never = new AbortController().signal;

/** Whether a promise is settled once all that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("places are given in order, and no more than there are", async () => {
  const slots = new Slots({ perGroup: 2, total: 9 });
  const held = [await slots.take("a", never), await slots.take("a", never)];
  const [third, fourth] = [slots.take("a", never), slots.take("a", never)];
  assert.equal(await isSettled(third), false);
  assert.equal(slots.takeFree("a"), undefined);
  held[0]?.[Symbol.dispose]();
  held[0]?.[Symbol.dispose]();
  assert.equal(await isSettled(third), true);
  assert.equal(await isSettled(fourth), false);
  (await third)[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
});

test("who waits for one group does not hold up another one", async () => {
  const slots = new Slots({ perGroup: 1, total: 3 });
  using _a = await slots.take("a", never);
  const waiting = slots.take("a", never);
  using _b = await slots.take("b", never);
  assert.equal(await isSettled(waiting), false);
});

test("the places of all groups together are bounded", async () => {
  const slots = new Slots({ perGroup: 2, total: 2 });
  const a = await slots.take("a", never);
  using _b = await slots.take("b", never);
  assert.equal(slots.takeFree("c"), undefined);
  const c = slots.take("c", never);
  assert.equal(await isSettled(c), false);
  a[Symbol.dispose]();
  (await c)[Symbol.dispose]();
});

test("an abort ends the waiting, and its place goes to the next", async () => {
  const slots = new Slots({ perGroup: 1, total: 1 });
  const held = await slots.take("a", never);
  const stop = new AbortController();
  const first = slots.take("a", stop.signal);
  const second = slots.take("a", never);
  stop.abort();
  await assert.rejects(first, { name: "AbortError" });
  held[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  await assert.rejects(
    slots.take("a", AbortSignal.abort()).then(async () => {
      await slots.take("a", AbortSignal.abort());
    }),
    { name: "AbortError" },
  );
});
