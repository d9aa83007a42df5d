import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HostsError } from "./hosts-error.ts";
import { parseHostsToml } from "./parse-hosts-toml.ts";

/** What of a parsed file most rows are about. */
function urls(text: string): readonly (string | undefined)[] {
  const { mirrors, upstream } = parseHostsToml(text, "hosts.toml");
  return [...mirrors.map(({ api }) => api.href), upstream.api?.href];
}

const addresses = [
  { name: "nothing", text: "", urls: [undefined] },
  { name: "a server", text: 'server = "https://a.test"', urls: ["https://a.test/v2/"] },
  {
    name: "a server without a scheme",
    text: 'server = "a.test:5000"',
    urls: ["https://a.test:5000/v2/"],
  },
  { name: "plain http", text: 'server = "http://a.test:5000"', urls: ["http://a.test:5000/v2/"] },
  {
    name: "a name that begins as a scheme",
    text: 'server = "httpd.test"',
    urls: ["https://httpd.test/v2/"],
  },
  {
    name: "mirrors in the order of the file",
    text: '[host."https://z.test"]\n[host."https://a.test"]\n[host."m.test"]',
    urls: ["https://z.test/v2/", "https://a.test/v2/", "https://m.test/v2/", undefined],
  },
  {
    name: "mirrors that look like numbers, in the order of the file",
    text: "[host.30]\n[host.4]\n[host.200]\n",
    urls: ["https://0.0.0.30/v2/", "https://0.0.0.4/v2/", "https://0.0.0.200/v2/", undefined],
  },
  {
    name: "a mirror whose first table is that of its headers",
    text: '[host."b.test".header]\nx = "1"\n[host."a.test"]\n[host."b.test"]\nca = "c"',
    urls: ["https://b.test/v2/", "https://a.test/v2/", undefined],
  },
  {
    name: "paths, with /v2 behind them",
    text: '[host."https://a.test/p/"]\n[host."https://a.test/p/v2"]\n[host."https://a.test/x//y/../z"]',
    urls: ["https://a.test/p/v2/", "https://a.test/p/v2/", "https://a.test/x/z/v2/", undefined],
  },
  {
    name: "paths as they are",
    text:
      '[host."https://a.test/v2/proxy"]\noverride_path = true\n' +
      '[host."https://b.test"]\noverride_path = true',
    urls: ["https://a.test/v2/proxy/", "https://b.test/", undefined],
  },
  {
    name: "override_path of the server",
    text: 'server = "https://a.test/x"\noverride_path = true',
    urls: ["https://a.test/x/"],
  },
];

for (const row of addresses) {
  test(`hosts.toml with ${row.name} leads to ${row.urls.join(", ")}`, () => {
    assert.deepEqual(urls(row.text), row.urls);
  });
}

const ALL = ["pull", "resolve", "push", "referrers"];

const capabilities = [
  { name: "no capabilities", text: "", can: ALL },
  { name: "an empty list", text: "capabilities = []", can: ALL },
  { name: "one", text: 'capabilities = ["pull"]', can: ["pull"] },
  { name: "some", text: 'capabilities = ["resolve", "pull"]', can: ["resolve", "pull"] },
];

for (const { name, text, can } of capabilities) {
  test(`a mirror with ${name} can ${can.join(", ")}`, () => {
    const { mirrors } = parseHostsToml(`[host."a.test"]\n${text}`, "hosts.toml");
    assert.deepEqual([...(mirrors[0]?.can ?? [])], can);
  });
}

test("capabilities at the top are those of the server, and nobody's where there is none", () => {
  const server = parseHostsToml('server = "a.test"\ncapabilities = ["pull"]', "hosts.toml");
  assert.deepEqual([...server.upstream.can], ["pull"]);
  const none = parseHostsToml('capabilities = ["pull"]', "hosts.toml");
  assert.deepEqual([...none.upstream.can], ALL);
});

const files = [
  { name: "one file", text: 'client = "a.pem"', clients: [["a.pem", undefined]] },
  {
    name: "several files",
    text: 'client = ["a.pem",\n"b.pem"]',
    clients: [
      ["a.pem", undefined],
      ["b.pem", undefined],
    ],
  },
  {
    name: "pairs",
    text: 'client = [["a.cert", "a.key"], ["b.pem", ""], ["c.pem"]]',
    clients: [
      ["a.cert", "a.key"],
      ["b.pem", undefined],
      ["c.pem", undefined],
    ],
  },
] as const;

for (const { name, text, clients } of files) {
  test(`client certificates are named by ${name}`, () => {
    const { upstream } = parseHostsToml(text, "hosts.toml");
    const got = upstream.clients.map(({ certificate, key }) => [certificate.path, key?.path]);
    assert.deepEqual(got, clients);
  });
}

test("everything else of a host is read, with its line", () => {
  const text = [
    '[host."a.test"]',
    'ca = ["one.crt",',
    '"two.crt"]',
    "skip_verify = true",
    'dial_timeout = "1.5s"',
    '[host."a.test".header]',
    'X-One = "1"',
    'x-list = ["a", "b"]',
    'Authorization = "Basic c2VjcmV0"',
  ].join("\n");
  assert.deepEqual(parseHostsToml(text, "hosts.toml").mirrors, [
    {
      api: new URL("https://a.test/v2/"),
      can: new Set(ALL),
      ca: [
        { path: "one.crt", line: 2 },
        { path: "two.crt", line: 3 },
      ],
      clients: [],
      skipVerify: true,
      connectMs: 1500,
      headers: { "x-one": "1", "x-list": "a, b", authorization: "Basic c2VjcmV0" },
    },
  ]);
});

const header = (line: string): string => `\n[host."a.test".header]\n${line}`;

const refusals = [
  { name: "no TOML", text: "\nserver = ", line: 2 },
  { name: "an unknown key", text: '\n\nservers = "a"', line: 3 },
  { name: "a misspelt key of a mirror", text: '[host."a.test"]\ncapabilties = ["pull"]', line: 2 },
  { name: "a host below a host", text: '[host."a.test".host."b.test"]', line: 1 },
  { name: "a server of a mirror", text: '[host."a.test"]\nserver = "b.test"', line: 2 },
  {
    name: "an unknown capability",
    text: '[host."a.test"]\ncapabilities = ["pull",\n"fly"]',
    line: 3,
  },
  { name: "capabilities that are no list", text: 'capabilities = "pull"', line: 1 },
  { name: "an empty server", text: 'server = ""', line: 1 },
  { name: "a server that is no text", text: "server = 1", line: 1 },
  { name: "a host that is no table", text: '[host]\n"a.test" = 1', line: 2 },
  { name: "hosts that are a list", text: "host = []", line: 1 },
  { name: "an empty host", text: '[host.""]', line: 1 },
  { name: "another scheme", text: '[host."ftp://a.test"]', line: 1 },
  { name: "user info", text: '[host."https://user:secret@a.test"]', line: 1 },
  { name: "user info without a scheme", text: '[host."user:secret@a.test"]', line: 1 },
  { name: "user info of another scheme", text: '[host."ftp://user:secret@a.test"]', line: 1 },
  { name: "a query", text: '[host."https://a.test/?x"]', line: 1 },
  { name: "a fragment", text: '[host."https://a.test/#x"]', line: 1 },
  { name: "a space", text: '[host."https://a .test"]', line: 1 },
  { name: "a line break", text: '[host."https://a.test\\n/x"]', line: 1 },
  { name: "a backslash", text: "[host.'https://a.test\\x']", line: 1 },
  { name: "no URL", text: '[host."https://"]', line: 1 },
  { name: "a ca that is no text", text: "ca = [1]", line: 1 },
  { name: "an empty ca", text: 'ca = ""', line: 1 },
  { name: "a client of three", text: 'client = [["a", "b", "c"]]', line: 1 },
  { name: "a client of none", text: "client = [[]]", line: 1 },
  { name: "a client that is a table", text: "client = { cert = 'a' }", line: 1 },
  { name: "skip_verify as text", text: 'skip_verify = "true"', line: 1 },
  { name: "override_path as a number", text: "override_path = 1", line: 1 },
  { name: "a time without a unit", text: 'dial_timeout = "30"', line: 1 },
  { name: "a time of nothing", text: 'dial_timeout = "0s"', line: 1 },
  { name: "a time that no timer holds", text: 'dial_timeout = "600h"', line: 1 },
  { name: "a time as a number", text: "dial_timeout = 30", line: 1 },
  { name: "a header with CR and LF", text: header('x = "secret\\r\\nHost: b"'), line: 3 },
  { name: "a header with NUL", text: header('x = ["a", "secret\\u0000"]'), line: 3 },
  { name: "a header with other letters", text: header('x = "secret\\u00e4"'), line: 3 },
  { name: "a header that is a number", text: header("x = 1"), line: 3 },
  { name: "a header without values", text: header("x = []"), line: 3 },
  { name: "a header whose name is none", text: header('"a b" = "secret"'), line: 3 },
  { name: "a header whose name breaks the line", text: header('"a\\r\\nb" = "secret"'), line: 3 },
  { name: "a header twice", text: header('x = "1"\nX = "secret"'), line: 4 },
  { name: "the Host", text: header('Host = "secret"'), line: 3 },
  { name: "a hop's header", text: header('Transfer-Encoding = "secret"'), line: 3 },
  { name: "a request's header", text: header('range = "bytes=secret"'), line: 3 },
];

for (const { name, text, line } of refusals) {
  test(`hosts.toml with ${name} is refused with its line, and shows no secret`, () => {
    assert.throws(
      () => parseHostsToml(text, "/c/hosts.toml"),
      (error) => {
        assert.ok(error instanceof HostsError);
        assert.equal(error.code, "REGISTRY_CONFIG");
        assert.match(error.message, new RegExp(`^/c/hosts\\.toml:${line}: `));
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  });
}

test("any text is read or refused as what it is", () => {
  const lines = fc.constantFrom(
    'server = "a.test"',
    '[host."https://b.test"]',
    '[host."b.test".header]',
    'capabilities = ["pull"]',
    "ca = 'x'",
    "skip_verify = true",
    'x = "1"',
    "[host]",
    "host = 1",
  );
  const texts = fc.oneof(
    fc.array(lines, { maxLength: 6 }).map((all) => all.join("\n")),
    fc.string({ unit: "binary" }),
    fc.webUrl({ withQueryParameters: true }).map((url) => `[host.${JSON.stringify(url)}]`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        for (const { api } of parseHostsToml(text, "f").mirrors) assert.match(api.href, /\/$/);
      } catch (error) {
        assert.ok(error instanceof HostsError);
      }
    }),
    { numRuns: 1000 },
  );
});
