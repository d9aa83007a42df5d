import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Challenge, parseChallenges } from "./challenge.ts";

type Plain = readonly [scheme: string, parameters: Readonly<Record<string, readonly string[]>>];

function plain(challenges: readonly Challenge[]): Plain[] {
  return challenges.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

const headers: readonly {
  readonly name: string;
  readonly header: string;
  readonly challenges: readonly Plain[];
}[] = [
  {
    name: "Docker Hub's",
    header:
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
    challenges: [
      [
        "bearer",
        {
          realm: ["https://auth.docker.io/token"],
          service: ["registry.docker.io"],
          scope: ["repository:library/alpine:pull"],
        },
      ],
    ],
  },
  {
    name: "commas and spaces in quotes",
    header: 'Bearer scope="repository:a:pull,push repository:b:pull", realm="x"',
    challenges: [["bearer", { scope: ["repository:a:pull,push repository:b:pull"], realm: ["x"] }]],
  },
  {
    name: "several challenges",
    header: 'Basic realm="a, b", Negotiate, Bearer realm="c"',
    challenges: [
      ["basic", { realm: ["a, b"] }],
      ["negotiate", {}],
      ["bearer", { realm: ["c"] }],
    ],
  },
  {
    name: "escapes",
    header: String.raw`Bearer realm="a\"b\\c\d", service="\,"`,
    challenges: [["bearer", { realm: [String.raw`a"b\cd`], service: [","] }]],
  },
  {
    name: "any case",
    header: 'bEARER Realm="R", SERVICE=S',
    challenges: [["bearer", { realm: ["R"], service: ["S"] }]],
  },
  {
    name: "scope several times",
    header: 'Bearer realm="r",scope="a",scope="b"',
    challenges: [["bearer", { realm: ["r"], scope: ["a", "b"] }]],
  },
  {
    name: "space around the equals signs",
    header: 'Bearer realm = "r" ,\tservice\t=s',
    challenges: [["bearer", { realm: ["r"], service: ["s"] }]],
  },
  {
    name: "values without quotes",
    header: "Bearer realm=https://a.test/token?x=1,service=a.test:5000",
    challenges: [["bearer", { realm: ["https://a.test/token?x=1"], service: ["a.test:5000"] }]],
  },
  {
    name: "missing commas",
    header: 'Bearer realm="r" service="s" Basic realm="b"',
    challenges: [
      ["bearer", { realm: ["r"], service: ["s"] }],
      ["basic", { realm: ["b"] }],
    ],
  },
  {
    name: "empty list members",
    header: ',, Bearer realm="r",,service="s",',
    challenges: [["bearer", { realm: ["r"], service: ["s"] }]],
  },
  {
    name: "a token68",
    header: 'Negotiate a/b+c==, NTLM abc, Bearer realm="r"',
    challenges: [
      ["negotiate", {}],
      ["ntlm", {}],
      ["bearer", { realm: ["r"] }],
    ],
  },
  {
    name: "an empty value",
    header: 'Bearer service="",realm=,scope=x',
    challenges: [["bearer", { service: [""], realm: [""], scope: ["x"] }]],
  },
  {
    name: "parameters named like members of objects",
    header: 'Bearer constructor="c",tostring=t',
    challenges: [["bearer", { constructor: ["c"], tostring: ["t"] }]],
  },
  {
    name: "a quote without its end",
    header: 'Basic realm="a", Bearer service="s", realm="https://a.test',
    challenges: [
      ["basic", { realm: ["a"] }],
      ["bearer", { service: ["s"] }],
    ],
  },
  { name: "a parameter without a scheme", header: 'realm="r"', challenges: [] },
  { name: "nothing", header: "", challenges: [] },
  { name: "junk", header: '"Bearer realm=x', challenges: [] },
];
for (const { name, header, challenges } of headers) {
  test(`a challenge with ${name} is read`, () => {
    assert.deepEqual(plain(parseChallenges(header)), challenges);
  });
}

const word = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,10}$/);
const challenge = fc.tuple(word, fc.array(fc.tuple(word, fc.string({ unit: "binary-ascii" }))));

test("what is written by the grammar is read back", () => {
  fc.assert(
    fc.property(fc.array(challenge), (written) => {
      const header = written
        .map(([scheme, parameters]) => {
          const list = parameters.map(
            ([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`,
          );
          return `${scheme} ${list.join(", ")}`;
        })
        .join(", ");
      const expected = written.map(([scheme, parameters]) => {
        const values = new Map<string, string[]>();
        for (const [name, value] of parameters) {
          const key = name.toLowerCase();
          values.set(key, [...(values.get(key) ?? []), value]);
        }
        return { scheme: scheme.toLowerCase(), parameters: values };
      });
      assert.deepEqual(parseChallenges(header), expected);
    }),
    { numRuns: 200 },
  );
});

test("any text is read without an error", () => {
  const piece = fc.oneof(
    fc.constantFrom("Bearer", "realm", "=", '"', ",", " ", "\\", "\t", "é", "a/b=="),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      for (const { scheme, parameters } of parseChallenges(pieces.join(""))) {
        assert.notEqual(scheme, "");
        assert.ok(!parameters.has(""));
      }
    }),
    { numRuns: 500 },
  );
});
