import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { watch, type WatchedEnd } from "../../fuzz/watch.ts";

const NONE = new Map<string, number>();

async function watched(program: string): Promise<WatchedEnd> {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-watch-"));
  const path = join(directory.path, "program.mjs");
  await writeFile(path, program);
  return await watch([], path);
}

test("a program that ends well is told of with its last seed", async () => {
  const program = `process.send({ seed: 4 });
    process.send({ answers: [["read", 3]] }, () => process.disconnect());`;
  const answers = new Map([["read", 3]]);
  assert.deepEqual(await watched(program), { failure: undefined, seed: 4, answers });
});

test("one that fails is told of with the seed that it was at", async () => {
  const program = "process.send({ seed: 7 }, () => process.exit(1))";
  assert.deepEqual(await watched(program), { failure: "it ended with 1", seed: 7, answers: NONE });
});

test("one that is killed, for its memory or else, too", async () => {
  const program = "process.send({ seed: 7 }, () => process.kill(process.pid, 'SIGKILL'))";
  assert.deepEqual(await watched(program), {
    failure: "it ended with SIGKILL",
    seed: 7,
    answers: NONE,
  });
});

test("one that waits for what never comes has failed", async () => {
  const program =
    "process.send({ seed: 7 }, () => process.disconnect()); await new Promise(() => {})";
  assert.deepEqual(await watched(program), { failure: "it ended with 13", seed: 7, answers: NONE });
});
