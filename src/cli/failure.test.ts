import assert from "node:assert/strict";
import { test } from "node:test";
import { ImageError } from "../image/index.ts";
import { failureOf, stackOf } from "./failure.ts";

const notFound = new ImageError("NOT_FOUND", "app:1: not there");

const rows = [
  { name: "a coded error", error: notFound, line: "siflet: app:1: not there", exitCode: 3 },
  { name: "an error without a code", error: new Error("boom"), line: "siflet: boom", exitCode: 1 },
  {
    name: "an error of the system, whose code is none of ours",
    error: Object.assign(new Error("EACCES: no"), { code: "EACCES" }),
    line: "siflet: EACCES: no",
    exitCode: 1,
  },
  { name: "an error without a message", error: new TypeError(), line: "siflet: TypeError" },
  { name: "what is no error", error: "text", line: "siflet: text" },
  {
    name: "an error with a terminal's escape sequences",
    error: new Error("a\u001b]0;evil\u0007\nb"),
    line: "siflet: a ]0;evil b",
  },
  {
    name: "what failed first, when releasing something failed too",
    error: new SuppressedError(new Error("close"), notFound, "both"),
    line: "siflet: app:1: not there",
    exitCode: 3,
  },
];

for (const { name, error, line, exitCode } of rows) {
  test(`failureOf answers ${name}`, () => {
    assert.deepEqual(failureOf(error), { line, exitCode: exitCode ?? 1 });
  });
}

test("stackOf keeps its lines, the causes among them, and no escape sequence", () => {
  const text = stackOf(new Error("outer\u001b[2J", { cause: notFound }));
  assert.match(text, /^Error: outer.*\n {4}at /);
  assert.match(text, /cause.*ImageError: app:1: not there/);
  assert.ok(!text.includes("\u001b"));
});
