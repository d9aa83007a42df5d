import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ImageError } from "./image-error.ts";
import { parseStrictJson } from "./strict-json.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): unknown => parseStrictJson(bytesOf(text), "document");

const refused = [
  { name: "nothing", text: "" },
  { name: "two documents", text: "{} {}" },
  { name: "a document and half", text: "{}," },
  { name: "a byte order mark", text: "\uFEFF{}" },
  { name: "a member twice", text: '{"a":1,"a":1}' },
  { name: "a member twice, once escaped", text: '{"a":1,"\\u0061":2}' },
  { name: "a member twice in the depth", text: '[{"a":{"b":1,"c":2,"b":3}}]' },
  { name: "__proto__ twice", text: '{"__proto__":1,"__proto__":2}' },
  { name: "a comma at the end of an object", text: '{"a":1,}' },
  { name: "a comma at the end of a list", text: "[1,]" },
  { name: "a member without quotes", text: "{a:1}" },
  { name: "a member without a value", text: '{"a"}' },
  { name: "single quotes", text: "{'a':1}" },
  { name: "a comment", text: "{} // no" },
  { name: "an open object", text: '{"a":1' },
  { name: "an open list", text: "[1" },
  { name: "an open string", text: '"a' },
  { name: "an open escape", text: '"a\\' },
  { name: "an unknown escape", text: '"\\x41"' },
  { name: "a short escape", text: '"\\u12"' },
  { name: "a line break in a string", text: '"a\nb"' },
  { name: "half a surrogate pair", text: '"\\ud800"' },
  { name: "half a pair as a name", text: '{"\\udc00":1}' },
  { name: "a leading zero", text: "01" },
  { name: "a plus sign", text: "+1" },
  { name: "a point without digits", text: "1." },
  { name: "no digits", text: "-" },
  { name: "NaN", text: "NaN" },
  { name: "a number past the doubles", text: "1e400" },
  { name: "half a word", text: "tru" },
  { name: "a form feed", text: "\f{}" },
  { name: "101 levels", text: "[".repeat(101) + "]".repeat(101) },
  { name: "levels without end", text: '{"a":'.repeat(1_000_000) },
];

for (const { name, text } of refused) {
  test(`parseStrictJson refuses ${name}`, () => {
    assert.throws(
      () => parse(text),
      (error) => error instanceof ImageError && error.code === "JSON_INVALID",
    );
  });
}

test("parseStrictJson refuses bytes that are no UTF-8", () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ]) {
    assert.throws(() => parseStrictJson(Uint8Array.from(bytes), "document"), {
      code: "JSON_INVALID",
    });
  }
});

test("parseStrictJson throws the caller's code", () => {
  assert.throws(() => parseStrictJson(bytesOf("no"), "config", "CONFIG_INVALID"), {
    code: "CONFIG_INVALID",
  });
});

test("parseStrictJson takes 100 levels", () => {
  parse("[".repeat(100) + "]".repeat(100));
});

test("parseStrictJson takes white space wherever JSON allows it", () => {
  assert.equal(JSON.stringify(parse(' \t\r\n{ "a" : [ 1 , { } , [ ] ] } \n')), '{"a":[1,{},[]]}');
});

test("parseStrictJson takes a string of millions of escapes", () => {
  assert.equal(parse(`"${"\\n".repeat(2_000_000)}"`), "\n".repeat(2_000_000));
});

test("a member named __proto__ is a member and changes no prototype", () => {
  const value = parse('{"__proto__":{"polluted":true},"constructor":1}');
  assert.ok(typeof value === "object" && value !== null);
  assert.equal(Object.getPrototypeOf(value), null);
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
  assert.equal("polluted" in {}, false);
  assert.equal("polluted" in value, false);
});

test("parseStrictJson reads all that JSON.stringify writes", () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), fc.nat(3), (text, indent) => {
      // Compared as text: our objects have no prototype, those of JSON.parse have one.
      const expected: unknown = JSON.parse(text);
      const value = parse(JSON.stringify(expected, null, indent));
      assert.equal(JSON.stringify(value), JSON.stringify(expected));
    }),
    { numRuns: 300 },
  );
});

test("parseStrictJson accepts nothing that JSON.parse refuses, and throws its own error", () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"a"',
    "1",
    "-",
    ".",
    "e",
    "\\",
    "null",
    " ",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parse(text);
      } catch (error) {
        assert.ok(error instanceof ImageError && error.code === "JSON_INVALID");
        return;
      }
      JSON.parse(text);
    }),
    { numRuns: 1000 },
  );
});

test("parseStrictJson answers arbitrary bytes with a value or its own error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        parseStrictJson(bytes, "document");
      } catch (error) {
        assert.ok(error instanceof ImageError && error.code === "JSON_INVALID");
      }
    }),
    { numRuns: 300 },
  );
});
