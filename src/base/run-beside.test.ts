import assert from "node:assert/strict";
import { test } from "node:test";
import { runBeside } from "./run-beside.ts";

const never = new AbortController().signal;

test("a process beside us has the lowest priority, and tells how it ended", async () => {
  const script = "console.log(require('node:os').getPriority()); process.exitCode = 3;";
  // Set just after the start: what asks waits until somebody could have.
  const patient = `setTimeout(() => { ${script} }, 200);`;
  assert.deepEqual(await runBeside(["-e", patient], never), { exitCode: 3, stdout: "19\n" });
});

test("an abort ends it", async () => {
  const stop = new AbortController();
  const running = runBeside(["-e", "setInterval(() => undefined, 1000)"], stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  await assert.rejects(runBeside(["-e", ""], stop.signal), /enough/);
});
