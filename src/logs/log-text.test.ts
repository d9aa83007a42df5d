import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Secret } from "../base/index.ts";
import { logText } from "./log-text.ts";

const rows = [
  {
    name: "the query of a URL",
    text: 'GET https://cdn.test/b?X-Amz-Signature=abc&c=d: 403, "http://h/?t=1"',
    shown: 'GET https://cdn.test/b 403, "http://h/"',
  },
  { name: "the user of a URL", text: "ftp://bob:pw@h.test/x#y", shown: "ftp://h.test/x" },
  { name: "a user alone", text: "https://token@h.test", shown: "https://h.test" },
  {
    name: "what a header carries",
    text: "got bearer abc.DEF and Basic Ym9iOnB3==",
    shown: "got bearer [redacted] and Basic [redacted]",
  },
  {
    name: "no words about it",
    text: "expected Bearer challenge, Basic authentication",
    shown: "expected Bearer challenge, Basic authentication",
  },
  {
    name: "no digest",
    text: "docker://h.test/a@sha256:abc and h.test/a:1@sha256:abc",
    shown: "docker://h.test/a@sha256:abc and h.test/a:1@sha256:abc",
  },
] as const;

describe("of a text is hidden", () => {
  for (const { name, text, shown } of rows) {
    test(name, () => {
      assert.equal(logText(text, []), shown);
    });
  }
});

test("a secret of three characters is no word to look for", () => {
  assert.equal(logText("a cat", [new Secret("cat")]), "a cat");
});

test("no secret stays in a text that has it, and the text has a bound", () => {
  const word = fc.string({ minLength: 8 });
  fc.assert(
    fc.property(word, fc.string(), fc.string({ maxLength: 5000 }), (secret, before, after) => {
      // One that the mask itself has in it cannot go.
      fc.pre(!"[redacted]".includes(secret));
      const shown = logText(`${before}${secret}${after}`, [new Secret(secret)]);
      assert.ok(shown.length <= 2000);
      assert.ok(!shown.includes(secret));
    }),
  );
});

test("a hostile text takes no time", { timeout: 5000 }, () => {
  for (const part of ["a", "a://", "Bearer ", "a://x@", "a+", "?"]) {
    assert.ok(logText(part.repeat(200_000), []).length <= 2000);
  }
});
