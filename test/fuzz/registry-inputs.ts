import fc from "fast-check";
import { edited, edits } from "./edits.ts";
import { mostly, seldom } from "./weights.ts";

/** What a registry, or its token service, can say in a header or a small document. */
export type RegistryInput =
  | {
      readonly kind: "challenge" | "redirect" | "upload";
      readonly text: string;
      readonly from: URL;
    }
  | { readonly kind: "range"; readonly text: string; readonly asked: number; readonly size: number }
  | { readonly kind: "token" | "errors"; readonly bytes: Uint8Array };

const asked = fc
  .constantFrom("https://reg.corp.test/v2/", "http://localhost:5000/v2/")
  .map((url) => new URL(url));
const hosts = fc.constantFrom(
  ...["reg.corp.test", "login.corp.test", "corp.test.evil.test", "evil.test", "localhost:5001"],
  ...[
    "127.0.0.1",
    "169.254.169.254",
    "[::ffff:a9fe:a9fe]",
    "0x7f.1",
    "2130706433",
    "xn--80ak6aa92e",
  ],
  ...["bob:x@evil.test", "reg.corp.test@evil.test", "reg.corp.test\\@evil.test", "", "[", "a b"],
  ...["\u212aorp.test", "reg.corp.test.", "REG.CORP.TEST:443", "localhost:443", "evil.test#@a"],
);
const schemes = fc.constantFrom(
  ...["https://", "https://", "https://", "http://", "http://", "//", "", "file://", "HTTPS:\\\\"],
  ...["https:", "javascript:", "ht\ttps://", " https://", "ftp://"],
);
const paths = fc.constantFrom(
  "/token",
  "",
  "/a?b=c%2Fd",
  "/../..",
  "?x",
  "#f",
  "/\u00e4",
  "/%0d%0aX:",
);
const urls = fc.tuple(schemes, hosts, paths).map((parts) => parts.join(""));

const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const parameter = fc.oneof(
  { weight: 4, arbitrary: urls.map((url) => `realm=${quoted(url)}`) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['service="s"', 'scope="repository:a:pull"', "scope=a:b:c", 'scope=""', 'error="x"'],
      ...[
        "realm=https://reg.corp.test/t",
        'realm="',
        'realm="a\\"b"',
        "= x",
        "__proto__=a",
        "realm",
      ],
    ),
  },
);
const challenges = fc
  .array(
    fc
      .tuple(
        mostly(fc.constant("Bearer"), fc.constantFrom("Basic", "bearer", "Negotiate", "", '"')),
        fc.array(parameter, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(",", ", ", " ", ",,"),
      )
      .map(([scheme, list, comma]) => `${scheme} ${list.join(comma)}`),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => list.join(", "));

/** As Node hands on what stands in a header: a character for each byte. */
function inHeader(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(texts, seldom(edits(1)))
    .map(([text, changes]) => Buffer.from(edited(Buffer.from(text), changes)).toString("latin1"));
}

const numbers = fc.oneof(
  fc.constantFrom(
    "0",
    "9",
    "10",
    "49",
    "99",
    "100",
    "1",
    "-1",
    "1e1",
    "9007199254740993",
    " 9",
    "*",
  ),
  fc.nat(120).map(String),
);
const ranges = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        mostly(fc.constant("bytes "), fc.constantFrom("", "items ", "bytes=", "bytes  ", "Bytes ")),
        numbers,
        numbers,
        mostly(
          fc.constant("/100"),
          fc.oneof(
            fc.constant("/*"),
            numbers.map((n) => `/${n}`),
          ),
        ),
      )
      .map(([unit, first, last, total]) => `${unit}${first}-${last}${total}`),
  },
  { weight: 1, arbitrary: fc.constantFrom("", "bytes */100", "bytes 0-", "0-99") },
);

const word = fc.constantFrom<unknown>(
  ...[
    "secret",
    "a\r\nb",
    "",
    "\u00e4",
    "x".repeat(5000),
    null,
    1,
    true,
    [],
    {},
    -1,
    1e308,
    300,
    59,
  ],
  ...["2026-01-02T03:04:05Z", "2026-13-99T99:99:99Z", "yesterday", "\u001b[2J", "NAME_UNKNOWN"],
);
const tokens = mostly<unknown>(
  fc.record(
    { token: word, access_token: word, expires_in: word, issued_at: word },
    { requiredKeys: [] },
  ),
  word,
);
const errors = mostly<unknown>(
  fc.record({
    errors: mostly<unknown>(
      fc.array(
        mostly<unknown>(
          fc.record({ code: word, message: word, detail: word }, { requiredKeys: [] }),
          word,
        ),
        { maxLength: 5 },
      ),
      word,
    ),
  }),
  word,
);

function documents(values: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(values, seldom(edits(1)))
    .map(([value, changes]) => edited(Buffer.from(JSON.stringify(value)), changes));
}

export const registryInput: fc.Arbitrary<RegistryInput> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("challenge" as const),
      text: inHeader(challenges),
      from: asked,
    }),
  },
  fc.record({
    kind: fc.constantFrom("redirect" as const, "upload" as const),
    text: inHeader(urls),
    from: asked,
  }),
  fc.record({
    kind: fc.constant("range" as const),
    text: inHeader(ranges),
    asked: fc.constantFrom(0, 9, 10, 99),
    size: fc.constant(100),
  }),
  fc.record({ kind: fc.constant("token" as const), bytes: documents(tokens) }),
  fc.record({ kind: fc.constant("errors" as const), bytes: documents(errors) }),
);
