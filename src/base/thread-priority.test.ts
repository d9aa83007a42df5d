import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { BATCH_PRIORITY } from "./thread-priority.ts";
import { allowedNiceness } from "../../test/fixtures/niceness.ts";

const MODULE = join(import.meta.dirname, "thread-priority.ts");
const PROGRAM = `
import { getPriority } from "node:os";
import { raisePriority } from ${JSON.stringify(MODULE)};
raisePriority();
console.log(getPriority(0));
`;

async function raised(...before: readonly string[]): Promise<number> {
  const words = [...before, process.execPath, "--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)("env", words);
  return Number(stdout);
}

test("a thread that answers callers comes first where it may, and stays as it is where it may not", async () => {
  assert.equal(await raised(), await allowedNiceness(-5));
  const denied = process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-all"] : [];
  assert.equal(await raised(...denied), 0);
});

test("a thread is at the priority of a conversion from its start", async () => {
  const program = `
import { readdirSync } from "node:fs";
import { getPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { startAtBatchPriority } from ${JSON.stringify(MODULE)};
const all = () => new Set(readdirSync("/proc/self/task"));
const before = all();
const worker = startAtBatchPriority(() => new Worker("for (;;);", { eval: true }));
const [started] = all().difference(before);
console.log(getPriority(Number(started)) - getPriority(0));
worker.terminate();
`;
  const words = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  assert.equal(Number(stdout), BATCH_PRIORITY);
});

test("a priority that somebody has chosen stays", async () => {
  assert.equal(await raised("nice", "-n", "3"), 3);
});
