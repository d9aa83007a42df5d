import assert from "node:assert/strict";
import { test } from "node:test";
import { stackLines } from "./stack-lines.ts";

test("names, messages and frames of an error and its causes, and no member of them", () => {
  const cause = Object.assign(new TypeError("inner"), { headers: { authorization: "Basic x" } });
  const lines = stackLines(Object.assign(new Error("outer", { cause }), { password: "hunter2" }));
  assert.equal(lines[0], "Error: outer");
  assert.ok(lines.includes("TypeError: inner"));
  assert.ok(lines.some((line) => line.startsWith("at ")));
  assert.doesNotMatch(lines.join("\n"), /hunter2|Basic/);
});

test("a cause that is its own cause has an end", () => {
  const error = new Error("loop");
  error.cause = error;
  assert.equal(stackLines(error).filter((line) => line === "Error: loop").length, 5);
});

test("of what is no error only the type is told", () => {
  assert.deepEqual(stackLines("a secret"), ["a thrown string"]);
});
