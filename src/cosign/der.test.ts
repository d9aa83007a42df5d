import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { childrenOf, parseDer } from "./der.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test("values are read with their tags, one inside the other", () => {
  const value = parseDer(hex("30 07 02 01 05 04 02 ab cd"));
  assert.deepEqual(
    childrenOf(value)?.map(({ tag, content }) => [tag, Buffer.from(content).toString("hex")]),
    [
      [0x02, "05"],
      [0x04, "abcd"],
    ],
  );
  const long = parseDer(Buffer.concat([hex("04 82 01 00"), Buffer.alloc(256, 7)]));
  assert.equal(long?.content.length, 256);
});

for (const [name, text] of [
  ["no bytes", ""],
  ["a tag alone", "04"],
  ["more than one value", "05 00 05 00"],
  ["a length past the end", "04 02 00"],
  ["a length whose bytes are missing", "04 82 01"],
  ["an indefinite length", "30 80 00 00"],
  ["a length in more bytes than it needs", "04 81 01 00"],
  ["a length with a zero in front", "04 82 00 80 00"],
  ["a length of five bytes", "04 85 00 00 00 00 01 00"],
  ["a tag of several bytes", "1f 01 00"],
] as const) {
  test(`${name} is no value`, () => {
    assert.equal(parseDer(hex(text)), undefined);
  });
}

test("a primitive value has nothing inside", () => {
  assert.equal(childrenOf(parseDer(hex("04 02 05 00"))), undefined);
});

test("any bytes are read or not, and what is read lies within them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const value = parseDer(bytes);
      if (value !== undefined) assert.ok(value.content.length < bytes.length);
      for (const child of childrenOf(value) ?? []) {
        assert.ok(child.content.length < bytes.length);
      }
    }),
  );
});
