import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allowsPlainHttp } from "./plain-http.ts";
import { redactUrl } from "./redact-url.ts";
import { terminalText } from "./terminal-text.ts";

const urls = [
  ["https://h.test/a", "https://h.test/a"],
  [
    "https://user:pw@h.test:5000/a?x=1&ns=docker.io&sig=s%3D#f",
    "https://h.test:5000/a?x=***&ns=docker.io&sig=***",
  ],
  ["https://h.test/?secret", "https://h.test/?***"],
  ["file:///etc/passwd", "file:///etc/passwd"],
  ["javascript:bob:pw@h.test/a", "javascript:***"],
  ["https://h.test/?a=b=c&&d", "https://h.test/?a=***&***"],
  [`https://h.test/${"a".repeat(600)}`, `https://h.test/${"a".repeat(484)}…`],
] as const;
for (const [url, shown] of urls) {
  test(`${url.slice(0, 60)} is shown as ${shown.slice(0, 60)}`, () => {
    assert.equal(redactUrl(new URL(url)), shown);
  });
}

const lines = [
  { name: "an escape sequence", text: "a\u001b[31mred\u0007", line: "a [31mred" },
  { name: "line breaks", text: " a\r\n\tb ", line: "a b" },
  { name: "C1 controls and bidi marks", text: "a\u009b1m\u202eb\u200fc", line: "a 1m b c" },
  { name: "a long text", text: "x".repeat(11), line: `${"x".repeat(9)}…` },
  {
    name: "a pair that the cut would halve",
    text: `${"x".repeat(8)}😀yy`,
    line: `${"x".repeat(8)}\ufffd…`,
  },
  { name: "half a pair", text: "\ud83d", line: "\ufffd" },
];
for (const { name, text, line } of lines) {
  test(`${name} becomes one harmless line`, () => {
    assert.equal(terminalText(text, 10), line);
  });
}

test("no text gets a control character or too much through", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = terminalText(text, 20);
      assert.ok(line.length <= 20);
      assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
    }),
    { numRuns: 200 },
  );
});

const hosts = [
  ["localhost", true],
  ["localhost:5000", true],
  ["localhost:443", false],
  ["localhost.", true],
  ["a.localhost.:1", true],
  ["LOCALHOST:80", true],
  ["a.localhost:1", true],
  ["127.0.0.1", true],
  ["127.9.9.9:5000", true],
  ["[::1]:5000", true],
  ["10.0.0.1:5000", false],
  ["192.168.0.1", false],
  ["localhost.evil.test", false],
  ["evil-localhost", false],
  ["127.0.0.1.evil.test", false],
  ["evil.test/localhost", false],
  ["evil.test@localhost", false],
  ["named.test:5000", true],
  ["NAMED.test:5000", true],
  ["named.test", false],
  ["other.test", true],
  ["other.test:80", true],
  ["", false],
] as const;
for (const [host, allowed] of hosts) {
  test(`plain http to ${JSON.stringify(host)}: ${allowed ? "yes" : "no"}`, () => {
    assert.equal(allowsPlainHttp(host, ["named.test:5000", "other.test"]), allowed);
  });
}
