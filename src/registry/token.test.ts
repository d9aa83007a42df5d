import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { parseTokenAnswer } from "./token.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

function parse(answer: unknown): ReturnType<typeof parseTokenAnswer> {
  return parseTokenAnswer(Buffer.from(JSON.stringify(answer)), NOW);
}

const answers: readonly {
  readonly name: string;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly token?: string;
  /** Seconds until it is renewed. */
  readonly renewIn: number;
}[] = [
  { name: "token alone", answer: { token: "t" }, renewIn: 50 },
  { name: "access_token alone", answer: { access_token: "t" }, renewIn: 50 },
  { name: "both", answer: { token: "t", access_token: "u" }, renewIn: 50 },
  { name: "an empty token", answer: { token: "", access_token: "t" }, renewIn: 50 },
  { name: "a life of 300 s", answer: { token: "t", expires_in: 300 }, renewIn: 270 },
  { name: "a life of 90 s", answer: { token: "t", expires_in: 90 }, renewIn: 80 },
  { name: "a life of 1 s", answer: { token: "t", expires_in: 1 }, renewIn: 50 },
  { name: "a life below 0", answer: { token: "t", expires_in: -5 }, renewIn: 50 },
  { name: "a life that is no number", answer: { token: "t", expires_in: "300" }, renewIn: 50 },
  {
    name: "a life beyond reason",
    answer: { token: "t", expires_in: 1e300 },
    renewIn: 0.9 * 24 * 3600,
  },
  {
    name: "an age of 100 s, in nanoseconds",
    answer: { token: "t", expires_in: 300, issued_at: "2026-01-02T03:02:25.000000001Z" },
    renewIn: 170,
  },
  {
    name: "an age in another time zone",
    answer: { token: "t", expires_in: 300, issued_at: "2026-01-02T05:02:25+02:00" },
    renewIn: 170,
  },
  {
    name: "a future birth",
    answer: { token: "t", expires_in: 300, issued_at: "2027-01-02T03:04:05Z" },
    renewIn: 270,
  },
  {
    name: "an age beyond its life",
    answer: { token: "t", expires_in: 300, issued_at: "2025-01-02T03:04:05Z" },
    renewIn: 270,
  },
  {
    name: "a birth that is no time",
    answer: { token: "t", expires_in: 300, issued_at: "yesterday" },
    renewIn: 270,
  },
];
for (const { name, answer, token = "t", renewIn } of answers) {
  test(`an answer with ${name} is a token to renew after ${renewIn} s`, () => {
    const read = parse(answer);
    assert.equal(read?.secret.reveal(), token);
    assert.equal(Math.round((read.renewAtMs - NOW) / 1000), renewIn);
  });
}

const junk = [
  null,
  [],
  "t",
  {},
  { token: 5 },
  { token: "a b" },
  { token: "a\r\nx: y" },
  { token: "é" },
];
for (const answer of junk) {
  test(`${JSON.stringify(answer)} is no token`, () => {
    assert.equal(parse(answer), undefined);
  });
}

test("any bytes and any JSON are a usable token or none", () => {
  const member = fc.constantFrom("token", "access_token", "expires_in", "issued_at");
  const json = fc.dictionary(member, fc.jsonValue()).map((value) => JSON.stringify(value));
  const body = fc.oneof(
    fc.uint8Array(),
    json.map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(body, (bytes) => {
      const token = parseTokenAnswer(bytes, NOW);
      if (token !== undefined) assert.ok(token.renewAtMs >= NOW);
    }),
    { numRuns: 300 },
  );
});

test("a token shows itself in no text", () => {
  const token = parse({ token: "hunter2" });
  assert.ok(token !== undefined);
  const shown = [
    inspect(token, { showHidden: true, depth: null }),
    JSON.stringify(token),
    String(token.secret),
    `Bearer ${token.secret.toString()}`,
  ];
  for (const text of shown) {
    assert.match(text, /\[redacted\]/);
    assert.doesNotMatch(text, /hunter2/);
  }
});
