import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "./canonical-json.ts";
import { parseStrictJson } from "./strict-json.ts";

const format = (value: unknown): string => new TextDecoder().decode(canonicalJson(value));
const parse = (text: string): unknown =>
  parseStrictJson(new TextEncoder().encode(text), "document");

const rows = [
  {
    name: "white space",
    text: ' { "b" : [ 1 , 2 ] , "a" : null } ',
    canonical: '{"a":null,"b":[1,2]}',
  },
  {
    name: "names like numbers",
    text: '{"9":1,"10":2,"a":3,"":4}',
    canonical: '{"":4,"10":2,"9":1,"a":3}',
  },
  { name: "__proto__", text: '{"a":1,"__proto__":2}', canonical: '{"__proto__":2,"a":1}' },
  { name: "upper before lower case", text: '{"a":1,"B":2}', canonical: '{"B":2,"a":1}' },
  // By code units U+1F600 (d83d …) comes before U+FB33; by code points it would come after.
  {
    name: "names past the basic plane",
    text: '{"\uFB33":1,"😀":2}',
    canonical: '{"😀":2,"\uFB33":1}',
  },
  { name: "needless escapes", text: '"\\u0041\\/\\u20ac"', canonical: '"A/€"' },
  {
    name: "needed escapes",
    text: '"\\u0000\\u001f\\u0008\\t\\n\\f\\r\\"\\\\"',
    canonical: '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\"',
  },
  { name: "characters that need no escape", text: '"\\u007f\\u2028"', canonical: '"\u007f\u2028"' },
  {
    name: "numbers",
    text: "[1.0,1e2,-0,1E21,0.000001,1e-7,333333333.33333329]",
    canonical: "[1,100,0,1e+21,0.000001,1e-7,333333333.3333333]",
  },
  { name: "words", text: "[true,false,null]", canonical: "[true,false,null]" },
];

for (const { name, text, canonical } of rows) {
  test(`canonicalJson of ${name}`, () => {
    assert.equal(format(parse(text)), canonical);
  });
}

const refused: readonly { name: string; value: unknown }[] = [
  { name: "NaN", value: NaN },
  { name: "Infinity", value: [Infinity] },
  { name: "half a surrogate pair", value: "\ud800" },
  { name: "half a pair as a name", value: { "\udc00": 1 } },
  { name: "undefined", value: { a: undefined } },
  { name: "a bigint", value: 1n },
  { name: "a Map", value: new Map() },
  { name: "a Date", value: new Date(0) },
];

for (const { name, value } of refused) {
  test(`canonicalJson refuses ${name}`, () => {
    assert.throws(() => canonicalJson(value), TypeError);
  });
}

test("canonicalJson keeps the value, and is its own canonical form", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = format(value);
      assert.equal(format(parse(text)), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test("canonicalJson does not depend on the order of members", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (members) => {
      const reversed = Object.fromEntries(Object.entries(members).reverse());
      assert.equal(format(reversed), format(members));
    }),
    { numRuns: 100 },
  );
});
