import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
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

test("a priority that somebody has chosen stays", async () => {
  assert.equal(await raised("nice", "-n", "3"), 3);
});
