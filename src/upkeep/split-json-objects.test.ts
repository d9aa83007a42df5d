import assert from "node:assert/strict";
import { test } from "node:test";
import { splitJsonObjects } from "./split-json-objects.ts";

const rows: readonly (readonly [string, readonly string[]])[] = [
  ["", []],
  [" \n", []],
  ["{}", ["{}"]],
  ['{"a":1}\n{"b":{"c":{}}}{}\n', ['{"a":1}', '{"b":{"c":{}}}', "{}"]],
  ['{"a":"}{"}', ['{"a":"}{"}']],
  ['{"a":"\\"}"} {"b":"\\\\"}', ['{"a":"\\"}"}', '{"b":"\\\\"}']],
];

for (const [text, objects] of rows) {
  test(JSON.stringify(text), () => {
    assert.deepEqual(splitJsonObjects(text), objects);
  });
}

for (const text of ["[]", "{},{}", "{", '{"a":"}', "x", "{} x", '{"a":"\\']) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => splitJsonObjects(text), SyntaxError);
  });
}
