import assert from "node:assert/strict";
import { test } from "node:test";
import { boundCredentials, fromAuthConfig, type AuthConfig } from "./auth-config.ts";
import { basic, never, revealed } from "./credential-fixture.ts";

const HOME = { host: "reg.example", repository: "team/app" };

function notIgnored(message: string): void {
  throw new Error(message);
}

interface Row {
  readonly name: string;
  readonly config: AuthConfig;
  readonly credential: string;
}

const pair = { username: "bob", password: "pw" };

const rows: readonly Row[] = [
  { name: "nothing", config: {}, credential: "none" },
  {
    name: "empty fields",
    config: { username: "", password: "", auth: "", identityToken: "", registryToken: "" },
    credential: "none",
  },
  { name: "user name and password", config: pair, credential: "bob:pw" },
  { name: "auth", config: { auth: basic("bob:pw") }, credential: "bob:pw" },
  {
    name: "auth with colons in the password",
    config: { auth: basic("bob:a:b") },
    credential: "bob:a:b",
  },
  {
    name: "auth with NULs at its end",
    config: { auth: basic("bob:pw\0\0") },
    credential: "bob:pw",
  },
  {
    name: "auth with NULs behind it",
    config: { auth: `${basic("bob:pw")}\0` },
    credential: "bob:pw",
  },
  { name: "auth in lines", config: { auth: `${basic("bob:pw")}\r\n` }, credential: "bob:pw" },
  {
    name: "auth beyond ASCII",
    config: { auth: basic("bób:pässword") },
    credential: "bób:pässword",
  },
  { name: "auth of nothing", config: { auth: basic(":") }, credential: "none" },
  {
    name: "user name and password before auth",
    config: { ...pair, auth: basic("eve:no") },
    credential: "bob:pw",
  },
  {
    name: "an identity token before a password",
    config: { ...pair, identityToken: "refresh" },
    credential: "identity-token refresh",
  },
  {
    name: "a registry token before everything",
    config: { ...pair, identityToken: "refresh", registryToken: "bearer.x" },
    credential: "registry-token bearer.x",
  },
];

for (const { name, config, credential } of rows) {
  test(`AuthConfig: ${name}`, async () => {
    const credentials = fromAuthConfig(config, HOME.host, notIgnored);
    assert.equal(revealed(await credentials?.find(HOME, never)), credential);
  });
}

const addresses = [
  ["reg.example", "reg.example", true],
  ["reg.example", "REG.example", true],
  ["reg.example", "reg.example/v2/", true],
  ["reg.example", "https://reg.example", true],
  ["reg.example", "http://reg.example/v1/", true],
  ["reg.example", " reg.example\n", true],
  ["reg.example", "reg.example:5000", false],
  ["reg.example:5000", "https://reg.example:5000/", true],
  ["reg.example", "mirror.example", false],
  ["reg.example", "https://mirror.example/reg.example", false],
  ["reg.example", "https://reg.example@evil.example", false],
  ["reg.example", "ftp://reg.example", false],
  ["reg.example", "https://", false],
  ["docker.io", "https://index.docker.io/v1/", true],
  ["docker.io", "registry-1.docker.io", true],
  ["docker.io", "index.docker.io", true],
  ["docker.io", "hub.docker.com", false],
] as const;

for (const [domain, serverAddress, isMeant] of addresses) {
  test(`serverAddress ${JSON.stringify(serverAddress)} ${isMeant ? "is" : "is not"} ${domain}`, async () => {
    const told: string[] = [];
    const credentials = fromAuthConfig({ ...pair, serverAddress }, domain, (text) =>
      told.push(text),
    );
    for (let look = 0; look < 2; look++) {
      const found = await credentials?.find({ host: domain, repository: "a" }, never);
      assert.equal(revealed(found), isMeant ? "bob:pw" : "none");
    }
    assert.equal(told.length, isMeant ? 0 : 1);
    assert.doesNotMatch(told.join(), /bob|pw|mirror|evil/);
  });
}

test("what is given for a reference is for its registry and for no mirror", async () => {
  const credentials = fromAuthConfig(pair, "reg.example", notIgnored);
  assert.ok(credentials);
  for (const host of ["mirror.example", "reg.example:443", "docker.io", "example"]) {
    assert.equal(await credentials.find({ host, repository: "team/app" }, never), undefined);
  }
});

const refusals: readonly { readonly name: string; readonly config: AuthConfig }[] = [
  { name: "a user name alone", config: { username: "bob" } },
  { name: "a password alone", config: { password: "hunter2" } },
  { name: "a user name with a colon", config: { username: "bob:hunter2", password: "x" } },
  { name: "an auth without a colon", config: { auth: basic("hunter2") } },
  { name: "an auth that is no base64", config: { auth: "bob:hunter2" } },
  { name: "an auth that is cut short", config: { auth: basic("bob:hunter22").slice(0, -1) } },
  {
    name: "an auth that is no text",
    config: { auth: Buffer.from("bob:\xffhunter2", "latin1").toString("base64") },
  },
  { name: "an auth without a password", config: { auth: basic("bob:") } },
  { name: "a registry token with a line end", config: { registryToken: "hunter2\r\nx-evil: 1" } },
];

for (const { name, config } of refusals) {
  test(`AuthConfig refuses ${name}, and tells nothing of it`, () => {
    assert.throws(
      () => boundCredentials(config, ["reg.example"], "the caller"),
      (error) => {
        assert.ok(error instanceof Error && "code" in error);
        assert.equal(error.code, "CREDENTIALS_INVALID");
        assert.doesNotMatch(error.message, /hunter2|Ym9i/);
        return true;
      },
    );
  });
}
