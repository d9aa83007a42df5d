import fc from "fast-check";
import { edited, edits } from "./edits.ts";
import { seldom } from "./weights.ts";

/** The text of a hosts.toml or of a registries.conf. */
export interface HostsInput {
  readonly kind: "hosts.toml" | "registries.conf";
  readonly text: string;
}

const url = fc.oneof(
  fc.constantFrom(
    ...[
      "https://a.test",
      "a.test:5000",
      "http://b.test/v2",
      "https://m.test/path/../x",
      "[::1]:5000",
    ],
    ...[
      "https://u:p@a.test",
      "ftp://a.test",
      "https://a.test?x",
      "https://a.test#x",
      "//",
      "",
      "a b",
    ],
    ...[
      "https://\u00e4.test",
      "https://a.test/%2e%2e/",
      "https://a.test\\\\b",
      "https://a.test:99999",
    ],
    ...["HTTPS://A.TEST", "https:a.test", "javascript:x", "169.254.169.254", "https://0x7f.1"],
  ),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
);
const quoted = url.map((text) => JSON.stringify(text));
const value = fc.oneof(
  quoted,
  fc.constantFrom(
    ...[
      "true",
      "false",
      "1",
      "0x7f",
      "1979-05-27",
      "[]",
      '["pull"]',
      '["pull", "resolve", "push"]',
    ],
    ...[
      '["x", 1]',
      '[["a", "b"], ["c", ""]]',
      '"30s"',
      '"-1s"',
      '"1e9h"',
      "{ a = 1 }",
      "inf",
      "'x'",
    ],
    ...[
      '"""a\nb"""',
      '"a\\r\\nb"',
      "[".repeat(40),
      `${"[".repeat(40)}${"]".repeat(40)}`,
      '"\\u0000"',
    ],
  ),
);
const key = fc.constantFrom(
  ...["server", "capabilities", "ca", "client", "skip_verify", "header", "override_path"],
  ...["dial_timeout", "host", "x-one", "Authorization", "Host", '"a b"', '"a\\r\\nb"', "range"],
  ...["a.b.c", "__proto__", '""'],
);
const hostsLine = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`) },
  { weight: 2, arbitrary: quoted.map((host) => `[host.${host}]`) },
  { weight: 2, arbitrary: quoted.map((host) => `[host.${host}.header]`) },
  { weight: 1, arbitrary: quoted.map((host) => `server = ${host}`) },
  { weight: 1, arbitrary: fc.constantFrom('capabilities = ["pull"]', "ca = 'x'", 'x-two = "2"') },
  {
    weight: 1,
    arbitrary: fc.constantFrom("# note", "", "[[host]]", "[host]", "x", "=", "[a", '"'),
  },
);

const prefix = fc.constantFrom(
  ...[
    "reg.test",
    "REG.test/Team",
    "*.a.test",
    "",
    "/",
    "https://reg.test",
    "reg.test/team:tag",
    "*",
  ],
);
const confLine = fc.oneof(
  { weight: 3, arbitrary: fc.constant("[[registry]]") },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom("prefix", "location"), prefix)
      .map(([name, text]) => `${name} = ${JSON.stringify(text)}`),
  },
  { weight: 2, arbitrary: fc.constantFrom("blocked = true", "blocked = false", "blocked = 1") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["[registries.block]", 'registries = ["reg.test"]', "[[registry.mirror]]", "[registry]"],
      ...[
        'unqualified-search-registries = ["a"]',
        "insecure = true",
        "registry = 1",
        "# note",
        "=",
      ],
    ),
  },
);
/** What a distribution lays down, and what is nearly such. */
const aliasLine = fc.constantFrom(
  ...["[aliases]", '"a" = "b.test/c"', '"d/e"="f.test/g:1@x"  # note', "# note", "", "\t# \u00e4"],
  ...[
    '"a" = "again"',
    "a = 'b'",
    "[[registry]]",
    "# \u0001",
    "[aliases] x",
    '"h" = "\\u0041"',
    "\r",
  ],
  ...["\u2028", "[ aliases ]", "blocked = true", '"i.j" = ""', '"a" = { b = 1 }', "\u007f"],
);

function text(line: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.array(line, { maxLength }),
      fc.constantFrom("\n", "\n", "\n", "\r\n", "\r"),
      seldom(edits(1)),
    )
    .map(([lines, end, changes]) =>
      // As it is read: bytes that are no text were refused before.
      Buffer.from(edited(Buffer.from(lines.join(end)), changes)).toString(),
    );
}

export const hostsInput: fc.Arbitrary<HostsInput> = fc.oneof(
  fc.record({ kind: fc.constant("hosts.toml" as const), text: text(hostsLine, 7) }),
  fc.record({
    kind: fc.constant("registries.conf" as const),
    text: fc.oneof(
      text(confLine, 7),
      fc.tuple(fc.constantFrom("[aliases]\n", ""), text(aliasLine, 6)).map((both) => both.join("")),
    ),
  }),
);
