import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProblemAt, type LocatedValue } from "../base/index.ts";
import { parseToml } from "./parse-toml.ts";

/** Without lines; tables as lists of pairs, so that their order shows. */
function plain(value: LocatedValue): unknown {
  switch (value.kind) {
    case "scalar":
      return value.value;
    case "list":
      return value.items.map(plain);
    case "map":
      return value.entries.map((entry) => [entry.key, plain(entry.value)]);
  }
}

const documents = [
  { name: "nothing", text: "", value: [] },
  {
    name: "keys that look like numbers, in file order",
    text: '[host."2"]\n[host."10"]\n[host."1"]\n[host."a"]',
    value: [
      [
        "host",
        [
          ["2", []],
          ["10", []],
          ["1", []],
          ["a", []],
        ],
      ],
    ],
  },
  {
    name: "a table that is named late, at the place of its first part",
    text: "[b.x]\nv=1\n[a]\n[b]\nw=2",
    value: [
      [
        "b",
        [
          ["x", [["v", 1]]],
          ["w", 2],
        ],
      ],
      ["a", []],
    ],
  },
  {
    name: "tables in lists",
    text: '[[r]]\nl="a"\n[[r.m]]\nx=true\n[r.q."a.b"]\nz.y=2\n[[r]]\n[[r.m]]\n[[r.m]]\nk=1',
    value: [
      [
        "r",
        [
          [
            ["l", "a"],
            ["m", [[["x", true]]]],
            ["q", [["a.b", [["z", [["y", 2]]]]]]],
          ],
          [["m", [[], [["k", 1]]]]],
        ],
      ],
    ],
  },
  {
    name: "lists and tables in a line",
    text: 'a = [["c", "k"], { "x.y".z = "v" }]',
    value: [["a", [["c", "k"], [["x.y", [["z", "v"]]]]]]],
  },
  {
    name: "names that objects have",
    text: '__proto__ = 1\n"constructor" = 2',
    value: [
      ["__proto__", 1],
      ["constructor", 2],
    ],
  },
] as const;

for (const { name, text, value } of documents) {
  test(`TOML of ${name} is read`, () => {
    assert.deepEqual(plain(parseToml(text)), value);
  });
}

const refusals = [
  { name: "a key that stands twice", text: "a=1\na=2", line: 2 },
  { name: "a table that stands twice", text: "[a]\n\n[a]", line: 3 },
  { name: "a table where a value is", text: "a=1\n[a.b]", line: 2 },
  { name: "a string without end", text: 'a=1\nb="x', line: 2 },
  { name: "a date", text: "\na = 1979-05-27", line: 2 },
  { name: "a control character", text: 'a="\u0001"', line: 1 },
  { name: "deep lists", text: `a=1\nb=${"[".repeat(40)}${"]".repeat(40)}`, line: 2 },
  { name: "deep tables", text: `[${"a.".repeat(40)}a]`, line: 1 },
  { name: "deep keys", text: `${"a.".repeat(40)}a=1`, line: 1 },
  { name: "deep tables in a line", text: `a=${"{a=".repeat(40)}1${"}".repeat(40)}`, line: 1 },
  { name: "lists past the stack", text: `a=${"[".repeat(100_000)}${"]".repeat(100_000)}`, line: 1 },
];

for (const { name, text, line } of refusals) {
  test(`TOML with ${name} is refused at line ${line}`, () => {
    assert.throws(
      () => parseToml(text),
      (error) => error instanceof ProblemAt && error.line === line,
    );
  });
}

test("any text is read or refused as what it is", () => {
  const words = fc.constantFrom("[", "]", "[[", "]]", "a", ".", '"', "=", "\n", "1", "{", "}", ",");
  const texts = fc.oneof(
    fc.array(words, { maxLength: 30 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseToml(text);
      } catch (error) {
        assert.ok(error instanceof ProblemAt);
        assert.ok(error.line >= 1);
      }
    }),
    { numRuns: 1000 },
  );
});
