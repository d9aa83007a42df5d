import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatSize } from "./format.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const sizes = [
  { bytes: 0, text: "0 B" },
  { bytes: 999, text: "999 B" },
  { bytes: 1000, text: "1.00 kB" },
  { bytes: 9994, text: "9.99 kB" },
  { bytes: 9995, text: "10.0 kB" },
  { bytes: 99_949, text: "99.9 kB" },
  { bytes: 99_950, text: "100 kB" },
  { bytes: 999_499, text: "999 kB" },
  { bytes: 999_500, text: "1.00 MB" },
  { bytes: 60_043_264, text: "60.0 MB" },
  { bytes: 4_500_000_000, text: "4.50 GB" },
] as const;

for (const { bytes, text } of sizes) {
  test(`formatSize: ${bytes} is ${text}`, () => {
    assert.equal(formatSize(bytes), text);
  });
}

const ages = [
  { name: "the future, a little", age: -1000, text: "just now" },
  { name: "the future", age: -DAY, text: "2026-01-03" },
  { name: "now", age: 0, text: "just now" },
  { name: "a minute", age: MINUTE, text: "1 minute ago" },
  { name: "just below an hour", age: HOUR - 1, text: "59 minutes ago" },
  { name: "two hours", age: 2 * HOUR, text: "2 hours ago" },
  { name: "29 days", age: 29 * DAY, text: "29 days ago" },
  { name: "30 days", age: 30 * DAY, text: "2025-12-03" },
] as const;

for (const { name, age, text } of ages) {
  test(`formatAge: ${name} is ${text}`, () => {
    assert.equal(formatAge(NOW - age, NOW), text);
  });
}

const hostile = [
  { name: "an escape sequence", text: "a\u001b[2Jb", line: "a [2Jb" },
  { name: "line breaks", text: "a\r\nsiflet: done\n", line: "a siflet: done" },
  { name: "a C1 control", text: "a\u009b2Jb", line: "a 2Jb" },
  { name: "bidirectional marks", text: "a\u202eb\u2066c", line: "a b c" },
  { name: "a line separator", text: "a\u2028b", line: "a b" },
  { name: "half a surrogate pair", text: "a\ud800b", line: "a b" },
  { name: "letters of all kinds", text: "größe 漢字 🚀", line: "größe 漢字 🚀" },
] as const;

for (const { name, text, line } of hostile) {
  test(`printable makes one harmless line of ${name}`, () => {
    assert.equal(printable(text), line);
  });
}

test("formatTable aligns columns and leaves no spaces at the ends of lines", () => {
  const rows = [["NAME", "ID"], ["busybox:latest", "1a2b"], ["other"]];
  assert.equal(formatTable(rows), "NAME            ID\nbusybox:latest  1a2b\nother\n");
});

test("formatTable does not pad every row to one that is very long", () => {
  const long = "n".repeat(101);
  const fits = "n".repeat(100);
  assert.equal(
    formatTable([
      [long, "a"],
      ["b", "c"],
    ]),
    `${long}  a\nb  c\n`,
  );
  assert.equal(
    formatTable([
      [fits, "a"],
      ["b", "c"],
    ]),
    `${fits}  a\n${"b".padEnd(100)}  c\n`,
  );
});
