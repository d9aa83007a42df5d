import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { basic, never, newDirectory, revealed, writeHelper } from "./credential-fixture.ts";
import { fileCredentials } from "./file-credentials.ts";
import { MAX_FILE_BYTES } from "./read-credential-file.ts";

const HOME = { host: "quay.io", repository: "team/app" };

interface Row {
  readonly name: string;
  readonly document: unknown;
  readonly format?: "legacy";
  readonly host?: string;
  readonly found: string;
}

const bob = { auth: basic("bob:pw") };
const eve = { auth: basic("eve:no") };

const rows: readonly Row[] = [
  { name: "an entry", document: { auths: { "quay.io": bob } }, found: "bob:pw" },
  { name: "no entry", document: { auths: { "gcr.io": bob } }, found: "none" },
  { name: "no entries", document: { auths: null, HttpHeaders: { "X-A": "b" } }, found: "none" },
  { name: "an empty document", document: {}, found: "none" },
  {
    name: "the longest path",
    document: { auths: { "quay.io": eve, "quay.io/team": bob, "quay.io/team/app/x": eve } },
    found: "bob:pw",
  },
  {
    name: "an entry that says nothing, which is passed over",
    document: { auths: { "quay.io/team": {}, "quay.io": bob } },
    found: "bob:pw",
  },
  {
    name: "auth before user name and password",
    document: { auths: { "quay.io": { ...bob, username: "eve", password: "no" } } },
    found: "bob:pw",
  },
  {
    name: "user name and password",
    document: { auths: { "quay.io": { username: "bob", password: "pw", email: "b@example" } } },
    found: "bob:pw",
  },
  {
    name: "an identity token before auth",
    document: { auths: { "quay.io": { auth: basic("00000000:"), identitytoken: "refresh" } } },
    found: "identity-token refresh",
  },
  {
    name: "a registry token before an identity token",
    document: { auths: { "quay.io": { registrytoken: "bearer", identitytoken: "refresh" } } },
    found: "registry-token bearer",
  },
  {
    name: "the Hub by Docker's name for it",
    document: { auths: { "https://index.docker.io/v1/": bob } },
    host: "docker.io",
    found: "bob:pw",
  },
  {
    name: "a member that is called __proto__",
    document: JSON.parse(`{"auths":{"__proto__":{"auth":"x"},"quay.io":{"auth":"${bob.auth}"}}}`),
    found: "bob:pw",
  },
  {
    name: "the old format",
    document: { "https://quay.io/v1/": bob },
    format: "legacy",
    found: "bob:pw",
  },
];

for (const { name, document, format = "config", host = HOME.host, found } of rows) {
  test(`a file with ${name}`, async (t) => {
    const path = join(await newDirectory(t), "auth.json");
    await writeFile(path, JSON.stringify(document));
    const credentials = fileCredentials({ path, format }, { variables: {} });
    assert.equal(revealed(await credentials.find({ ...HOME, host }, never)), found);
  });
}

test("a file is read anew at every look-up, for others write it", async (t) => {
  const path = join(await newDirectory(t), "auth.json");
  const credentials = fileCredentials({ path, format: "config" }, { variables: {} });
  assert.equal(await credentials.find(HOME, never), undefined);
  await writeFile(path, " \n");
  assert.equal(await credentials.find(HOME, never), undefined);
  await writeFile(path, JSON.stringify({ auths: { "quay.io": bob } }));
  assert.equal(revealed(await credentials.find(HOME, never)), "bob:pw");
});

const malformed = [
  { name: "no JSON", text: `{"auths":{"quay.io":{"auth":"hunter2"}}`, message: /auth\.json: / },
  { name: "a list", text: `["hunter2"]`, message: /expected an object, got a list/ },
  {
    name: "auths as a list",
    text: `{"auths":["hunter2"]}`,
    message: /auths as an object, got a list/,
  },
  {
    name: "an entry as text",
    text: `{"auths":{"quay.io":"hunter2"}}`,
    message: /"quay.io".*got a string/,
  },
  {
    name: "a password as a number",
    text: `{"auths":{"quay.io":{"password":12}}}`,
    message: /password in .*got a number/,
  },
  {
    name: "half a pair",
    text: `{"auths":{"quay.io":{"password":"hunter2"}}}`,
    message: /entry "quay.io": .*user name/,
  },
  {
    name: "no base64",
    text: `{"auths":{"quay.io":{"auth":"hunter2"}}}`,
    message: /entry "quay.io": .*base64/,
  },
  {
    name: "a member twice",
    text: `{"auths":{"quay.io":{},"quay.io":{}}}`,
    message: /each member once/,
  },
  {
    name: "a helper as a number",
    text: `{"credHelpers":{"quay.io":1}}`,
    message: /credHelpers of "quay.io"/,
  },
  { name: "a store as a list", text: `{"credsStore":[]}`, message: /credsStore/ },
  {
    name: "too many bytes",
    text: " ".repeat(MAX_FILE_BYTES + 1),
    message: /more than 1048576 bytes/,
  },
  { name: "no text", text: "\xff\xfe", message: /UTF-8/ },
] as const;

for (const { name, text, message } of malformed) {
  test(`a file with ${name} is an error that names it and shows nothing of it`, async (t) => {
    const path = join(await newDirectory(t), "auth.json");
    await writeFile(path, text, "latin1");
    const credentials = fileCredentials({ path, format: "config" }, { variables: {} });
    await assert.rejects(credentials.find(HOME, never), (error) => {
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, "CREDENTIALS_FILE");
      assert.match(error.message, message);
      assert.ok(error.message.includes(path));
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
}

test("a named file must be there", async (t) => {
  const path = join(await newDirectory(t), "auth.json");
  const place = { path, format: "config", namedBy: "--authfile" } as const;
  await assert.rejects(fileCredentials(place, { variables: {} }).find(HOME, never), {
    code: "CREDENTIALS_FILE",
    message: /--authfile names it/,
  });
});

test("a pipe or directory in the place of a file is refused, and not waited for", async (t) => {
  const directory = await newDirectory(t);
  execFileSync("mkfifo", [join(directory, "pipe")]);
  await mkdir(join(directory, "directory"));
  for (const name of ["pipe", "directory"]) {
    const place = { path: join(directory, name), format: "config" } as const;
    await assert.rejects(fileCredentials(place, { variables: {} }).find(HOME, never), {
      code: "CREDENTIALS_FILE",
      message: /no regular file/,
    });
  }
});

test("a file that cannot be opened is an error, and no reason to ask as nobody", async (t) => {
  const path = join(await newDirectory(t), "auth.json");
  await symlink("auth.json", path);
  const place = { path, format: "config" } as const;
  await assert.rejects(fileCredentials(place, { variables: {} }).find(HOME, never), {
    code: "CREDENTIALS_FILE",
    message: /cannot read credentials from .*ELOOP/,
  });
});

interface HelperRow {
  readonly name: string;
  readonly document: object;
  readonly host?: string;
  readonly found: string;
}

const helpers: readonly HelperRow[] = [
  {
    name: "a helper for the registry comes before its entry",
    document: { credHelpers: { "quay.io": "one" }, auths: { "quay.io": eve } },
    found: "one:quay.io",
  },
  {
    name: "a helper for the registry comes before the one for all",
    document: { credHelpers: { "quay.io": "one" }, credsStore: "two" },
    found: "one:quay.io",
  },
  { name: "a helper for all", document: { credsStore: "two" }, found: "two:quay.io" },
  {
    name: "a helper for another registry",
    document: { credHelpers: { "gcr.io": "one" }, auths: { "quay.io": bob } },
    found: "bob:pw",
  },
  {
    name: "an empty name takes the registry from the helper for all",
    document: { credHelpers: { "quay.io": "" }, credsStore: "two", auths: { "quay.io": bob } },
    found: "bob:pw",
  },
  {
    name: "a helper that knows none leaves it to the entry",
    document: { credsStore: "none", auths: { "quay.io": bob } },
    found: "bob:pw",
  },
  {
    name: "the Hub is called by Docker's name for it",
    document: { credsStore: "two" },
    host: "docker.io",
    found: "two:https://index.docker.io/v1/",
  },
  {
    name: "a helper hears the registry as the file spells it",
    document: { credHelpers: { "https://index.docker.io/v1/": "one" } },
    host: "docker.io",
    found: "one:https://index.docker.io/v1/",
  },
];

for (const { name, document, host = HOME.host, found } of helpers) {
  test(name, async (t) => {
    const directory = await newDirectory(t);
    for (const suffix of ["one", "two"]) {
      const script = `read -r server; printf '{"ServerURL":"%s","Username":"${suffix}","Secret":"%s"}' "$server" "$server"`;
      await writeHelper(directory, suffix, script);
    }
    await writeHelper(directory, "none", "echo credentials not found in native keychain; exit 1");
    const path = join(directory, "config.json");
    await writeFile(path, JSON.stringify(document));
    const credentials = fileCredentials(
      { path, format: "config" },
      { variables: { PATH: directory } },
    );
    assert.equal(revealed(await credentials.find({ ...HOME, host }, never)), found);
  });
}
