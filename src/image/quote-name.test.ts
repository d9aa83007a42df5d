import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteName } from "./quote-name.ts";

const hex = "a".repeat(64);
const rows = [
  { name: "a plain name", text: "busybox:1", shown: '"busybox:1"' },
  { name: "a digest", text: `app@sha256:${hex}`, shown: `"app@sha256:${hex}"` },
  { name: "a password", text: "docker://me:secret@r.example/app", shown: '"***@r.example/app"' },
  {
    name: "a password before a digest",
    text: `me:se/cr@et@r.example/app@sha256:${hex}`,
    shown: `"***@r.example/app@sha256:${hex}"`,
  },
  {
    name: "a query",
    text: "https://r.example/app?token=secret",
    shown: '"https://r.example/app?…"',
  },
  { name: "a line break", text: "a\nb", shown: '"a\\nb"' },
];

for (const { name, text, shown } of rows) {
  test(`quoteName of ${name}`, () => {
    assert.equal(quoteName(text), shown);
  });
}

test("quoteName keeps messages short", () => {
  assert.equal(quoteName("a".repeat(100_000)).length, 202);
});
