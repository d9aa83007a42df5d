import assert from "node:assert/strict";
import { test } from "node:test";
import { SingleFlight } from "./single-flight.ts";

const never = new AbortController().signal;

test("all who wait get the one result, and the next one begins anew", async () => {
  const flights = new SingleFlight<number>();
  let starts = 0;
  const start = async (signal: AbortSignal): Promise<number> => {
    starts += 1;
    await Promise.resolve();
    assert.ok(!signal.aborted);
    return starts;
  };
  const both = [flights.run("a", start, never), flights.run("a", start, never)];
  assert.deepEqual(await Promise.all(both), [1, 1]);
  assert.equal(await flights.run("a", start, never), 2);
});

test("keys are apart", async () => {
  const flights = new SingleFlight<string>();
  const run = (key: string): Promise<string> => flights.run(key, () => Promise.resolve(key), never);
  assert.deepEqual(await Promise.all([run("a"), run("b")]), ["a", "b"]);
});

test("all who wait get the one error, and it is not kept", async () => {
  const flights = new SingleFlight<number>();
  const fail = (): Promise<number> => Promise.reject(new Error("no"));
  const results = await Promise.allSettled([
    flights.run("a", fail, never),
    flights.run("a", fail, never),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(await flights.run("a", () => Promise.resolve(1), never), 1);
});

test("one who aborts leaves the others what they wait for", async () => {
  const flights = new SingleFlight<number>();
  const gate = Promise.withResolvers<number>();
  const controller = new AbortController();
  let shared: AbortSignal | undefined;
  const first = flights.run(
    "a",
    (signal) => {
      shared = signal;
      return gate.promise;
    },
    controller.signal,
  );
  const second = flights.run("a", () => Promise.reject(new Error("begun twice")), never);
  controller.abort();
  await assert.rejects(first, { name: "AbortError" });
  assert.equal(shared?.aborted, false);
  gate.resolve(7);
  assert.equal(await second, 7);
  assert.equal(shared.aborted, false);
});

test("when all have aborted the work is aborted, and the next one begins anew", async () => {
  const flights = new SingleFlight<number>();
  const controller = new AbortController();
  let shared: AbortSignal | undefined;
  const start = (signal: AbortSignal): Promise<number> => {
    shared = signal;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(new Error("aborted"));
      });
    });
  };
  const all = [
    flights.run("a", start, controller.signal),
    flights.run("a", start, controller.signal),
  ];
  controller.abort();
  for (const each of all) await assert.rejects(each, { name: "AbortError" });
  assert.equal(shared?.aborted, true);
  assert.equal(await flights.run("a", () => Promise.resolve(1), never), 1);
});

test("an abort before the start begins nothing", async () => {
  const flights = new SingleFlight<number>();
  const start = (): Promise<number> => Promise.reject(new Error("begun"));
  await assert.rejects(flights.run("a", start, AbortSignal.abort()), { name: "AbortError" });
});
