import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { librariesKind } from "./library-settings.ts";
import { parseConfig } from "./parse-config.ts";

test("libraries are read by their hosts, in lower case", () => {
  const text = `libraries:
  Lib.example.org:8443:
    endpoint: https://library.example.org/api
    ca: /etc/ca.pem
    tokenFile: /etc/token
    unverified: true
  cloud.sylabs.io: {tokenEnv: SYLABS_TOKEN}
`;
  const { file, problems } = parseConfig(text, "c.yaml");
  assert.deepEqual(problems, []);
  assert.deepEqual(file.settings.libraries, {
    "lib.example.org:8443": {
      endpoint: "https://library.example.org/api",
      ca: "/etc/ca.pem",
      tokenFile: "/etc/token",
      unverified: true,
    },
    "cloud.sylabs.io": { tokenEnv: "SYLABS_TOKEN" },
  });
});

test("a token in the configuration is read, and shown by nothing", () => {
  const { file } = parseConfig("libraries: {lib.example: {token: very-secret}}", "c.yaml");
  const { libraries = {} } = file.settings;
  assert.equal(libraries["lib.example"]?.token?.reveal(), "very-secret");
  const shown = [
    librariesKind.format(libraries),
    JSON.stringify(librariesKind.toJson(libraries)),
    JSON.stringify(libraries),
    inspect(libraries, { depth: 9 }),
  ];
  for (const text of shown) {
    assert.match(text, /\[redacted\]/);
    assert.ok(!text.includes("very-secret"));
  }
});

const refusals = [
  { name: "a list", text: "libraries: [a]", message: /libraries by their hosts/ },
  { name: "a URL as host", text: "libraries: {'https://a': {}}", message: /name or name:port/ },
  { name: "a text for a library", text: "libraries: {a: https://b}", message: /some of endpoint/ },
  { name: "an unknown key", text: "libraries: {a: {url: b}}", message: /unknown key "url"/ },
  {
    name: "another scheme",
    text: "libraries: {a: {endpoint: 'ftp://b'}}",
    message: /http or https/,
  },
  {
    name: "a query",
    text: "libraries: {a: {endpoint: 'https://b/?c'}}",
    message: /without a query/,
  },
  { name: "a user", text: "libraries: {a: {endpoint: 'https://m@b/'}}", message: /http or https/ },
  { name: "a relative file", text: "libraries: {a: {ca: ca.pem}}", message: /absolute path/ },
  {
    name: "a token of two words",
    text: "libraries: {a: {token: very secret}}",
    message: /a token/,
  },
  { name: "no variable", text: "libraries: {a: {tokenEnv: $A}}", message: /environment variable/ },
  { name: "no truth", text: "libraries: {a: {unverified: 1}}", message: /true or false/ },
];

for (const { name, text, message } of refusals) {
  test(`libraries with ${name} are refused, without what may be a token`, () => {
    const { problems } = parseConfig(text, "c.yaml");
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? "", message);
    assert.ok(!(problems[0]?.message ?? "").includes("secret"));
  });
}
