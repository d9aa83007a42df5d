import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { LayerError } from "../layers/index.ts";
import { ConvertError } from "./convert-error.ts";
import { receiveError, transferError } from "./error-transfer.ts";

/** An error as the other thread gets it. */
function sent(error: unknown): Error {
  return receiveError(structuredClone(transferError(error)));
}

test("a coded error arrives as one of its class", () => {
  const error = sent(new LayerError("TAR_PATH", "layer 1: a bad path"));
  assert.ok(error instanceof LayerError);
  assert.deepEqual([error.code, error.message], ["TAR_PATH", "layer 1: a bad path"]);
});

test("a failed call of the system arrives as one, so that it can be told from a bug", async () => {
  const failed: unknown = await readFile("/nowhere/at/all").catch((error: unknown) => error);
  const error = sent(failed);
  assert.match(error.message, /^ENOENT: .*, open '\/nowhere/);
  assert.partialDeepStrictEqual(Object.entries(error), [
    ["code", "ENOENT"],
    ["syscall", "open"],
  ]);
});

test("a full disk arrives as NO_SPACE", () => {
  const full = Object.assign(new Error("ENOSPC: write"), { code: "ENOSPC", syscall: "write" });
  const error = sent(full);
  assert.ok(error instanceof ConvertError);
  assert.equal(error.code, "NO_SPACE");
});

test("a bug arrives with its message and its stack, and without a code", () => {
  const bug = new TypeError("x is not a function");
  const error = sent(bug);
  assert.deepEqual([error.message, error.stack], [bug.message, bug.stack]);
  assert.ok(!("code" in error));
  assert.equal(sent("thrown text").message, "thrown text");
});
