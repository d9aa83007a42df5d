import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { takeTurn } from "./take-turn.ts";

const LONG_MS = 600_000;
const never = new AbortController().signal;

/** Another process, once it has the turn at `key`, which it keeps. */
async function holderOf(t: TestContext, key: string): Promise<ChildProcess> {
  const script = `
    const { takeTurn } = await import(${JSON.stringify(join(import.meta.dirname, "take-turn.ts"))});
    await takeTurn(${JSON.stringify(key)}, ${LONG_MS}, new AbortController().signal);
    process.stdout.write("held");
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.stdout);
  await once(child.stdout, "data");
  return child;
}

test("a turn is waited for until it is given back", async () => {
  const key = randomUUID();
  const order: string[] = [];
  const first = await takeTurn(key, LONG_MS, never);
  const second = takeTurn(key, LONG_MS, never).then(async (turn) => {
    order.push("second");
    await turn[Symbol.asyncDispose]();
  });
  await using _other = await takeTurn(`${key}x`, LONG_MS, never);
  order.push("first");
  await first[Symbol.asyncDispose]();
  await second;
  assert.deepEqual(order, ["first", "second"]);
});

test("the turn of a process that is killed is free at once", { timeout: 60_000 }, async (t) => {
  const key = randomUUID();
  const child = await holderOf(t, key);
  const turn = takeTurn(key, LONG_MS, never);
  child.kill("SIGKILL");
  await (await turn)[Symbol.asyncDispose]();
});

test("nobody waits longer than he wants for one who keeps the turn", async (t) => {
  const key = randomUUID();
  await holderOf(t, key);
  await (await takeTurn(key, 50, never))[Symbol.asyncDispose]();
});

test("waiting for a turn ends with the reason of an abort", async (t) => {
  const key = randomUUID();
  await holderOf(t, key);
  const controller = new AbortController();
  const waiting = takeTurn(key, LONG_MS, controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  await assert.rejects(takeTurn(key, LONG_MS, controller.signal), (error) => error === reason);
});
