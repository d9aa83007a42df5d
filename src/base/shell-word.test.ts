import assert from "node:assert/strict";
import { test } from "node:test";
import { shellWord } from "./shell-word.ts";

const words = [
  { text: "docker.io/library/app:1.0", word: "docker.io/library/app:1.0" },
  { text: "/tmp/a b.sif", word: "'/tmp/a b.sif'" },
  { text: "it's", word: `'it'\\''s'` },
  { text: "$(reboot)", word: "'$(reboot)'" },
  { text: "", word: "''" },
] as const;

for (const { text, word } of words) {
  test(`shellWord: ${JSON.stringify(text)} is ${word}`, () => {
    assert.equal(shellWord(text), word);
  });
}
