import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { allowedNiceness } from "../../test/fixtures/niceness.ts";

const MODULE = join(import.meta.dirname, "thread-priority.ts");
/** Who is root is so without its rights. */
const DENIED = process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-all"] : [];
const RAISE = `
import { getPriority } from "node:os";
import { raisePriority } from ${JSON.stringify(MODULE)};
raisePriority();
console.log(getPriority(0));
`;
const START = `
import { readdirSync } from "node:fs";
import { getPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { startAtBatchPriority } from ${JSON.stringify(MODULE)};
const all = () => new Set(readdirSync("/proc/self/task"));
const before = all();
const worker = startAtBatchPriority(() => new Worker("for (;;);", { eval: true }));
const [started] = all().difference(before);
console.log(getPriority(Number(started)));
worker.terminate();
`;

async function printed(program: string, ...before: readonly string[]): Promise<number> {
  const words = [...before, process.execPath, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)("env", words);
  return Number(stdout);
}

test("a thread that answers callers comes first where it may, and stays as it is where it may not", async () => {
  assert.equal(await printed(RAISE), await allowedNiceness(-5));
  assert.equal(await printed(RAISE, ...DENIED), 0);
});

test("a thread is at the priority of a conversion from its start, or at the lower one of its process", async () => {
  assert.equal(await printed(START), 10);
  assert.equal(await printed(START, ...DENIED, "nice", "-n", "19"), 19);
});

test("a priority that somebody has chosen stays", async () => {
  assert.equal(await printed(RAISE, "nice", "-n", "3"), 3);
});
