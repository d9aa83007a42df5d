import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { basic, never, newDirectory, writeHelper } from "./credential-fixture.ts";
import { formatCredentialKey } from "./credential-key.ts";
import {
  loginCredential,
  loginFile,
  parseLoginTarget,
  removeAllLogins,
  removeLogin,
  saveLogin,
} from "./login.ts";

const nobody = { variables: {} };
const bob = loginCredential("bob", "pw");
const bobEntry = { auth: basic("bob:pw") };

const targets = [
  ["quay.io", "quay.io"],
  ["quay.io:5000", "quay.io:5000"],
  ["localhost", "localhost"],
  ["[::1]:5000", "[::1]:5000"],
  ["https://quay.io/v2/", "quay.io"],
  ["docker.io", "docker.io"],
  ["https://index.docker.io/v1/", "docker.io"],
  ["quay.io/team", "quay.io/team"],
  ["docker.io/bob", "docker.io/bob"],
  ["quay.io/team/app", "quay.io/team/app"],
  ["myhost", undefined],
  ["", undefined],
  ["quay.io/Team", undefined],
  ["quay.io/team/app:1.0", undefined],
  ["quay.io/../x", undefined],
  ["bob:hunter2@quay.io", undefined],
  ["0x7f.1", undefined],
] as const;

for (const [text, key] of targets) {
  test(`a login to ${JSON.stringify(text)} is ${key === undefined ? "refused" : `for ${key}`}`, () => {
    const parsed = parseLoginTarget(text);
    assert.equal(parsed && formatCredentialKey(parsed), key);
  });
}

function keyOf(text: string): NonNullable<ReturnType<typeof parseLoginTarget>> {
  const key = parseLoginTarget(text);
  assert.ok(key);
  return key;
}

test("logins are kept in the named file, else in REGISTRY_AUTH_FILE, else in podman's", () => {
  const machine = {
    variables: { XDG_RUNTIME_DIR: "/run/user/7" },
    workingDirectory: "/here",
    homeDirectory: undefined,
    userId: 7,
  };
  const named = { ...machine, variables: { ...machine.variables, REGISTRY_AUTH_FILE: "a.json" } };
  assert.equal(loginFile("x/b.json", named), "/here/x/b.json");
  assert.equal(loginFile(undefined, named), "/here/a.json");
  assert.equal(loginFile(undefined, machine), "/run/user/7/containers/auth.json");
  assert.equal(loginFile(undefined, { ...machine, variables: {} }), "/run/containers/7/auth.json");
});

test("a first login makes file and directories for its user alone, whatever the umask", async (t) => {
  const directory = await newDirectory(t);
  const path = join(directory, "run/containers/auth.json");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  assert.equal(
    await saveLogin(path, { key: keyOf("quay.io"), credential: bob }, nobody, never),
    path,
  );
  assert.deepEqual(JSON.parse(await readFile(path, "utf8")), { auths: { "quay.io": bobEntry } });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, "run/containers"))).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(join(directory, "run/containers")), ["auth.json"]);
});

test("a login keeps all else in the file, and makes it private", async (t) => {
  const path = join(await newDirectory(t), "auth.json");
  const others = {
    auths: {
      "gcr.io": { auth: basic("a:b"), email: "a@example" },
      "quay.io": { identitytoken: "old" },
    },
    HttpHeaders: { "X-Meta": "1" },
    credHelpers: { "ecr.example": "ecr-login" },
    __proto__x: [1, { two: null }],
  };
  await writeFile(path, JSON.stringify(others));
  await chmod(path, 0o644);
  await saveLogin(path, { key: keyOf("quay.io"), credential: bob }, nobody, never);
  await saveLogin(path, { key: keyOf("quay.io/team"), credential: bob }, nobody, never);
  assert.deepEqual(JSON.parse(await readFile(path, "utf8")), {
    ...others,
    auths: { "gcr.io": others.auths["gcr.io"], "quay.io": bobEntry, "quay.io/team": bobEntry },
  });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a login goes where a link leads, and the link stays", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "real"));
  await writeFile(join(directory, "real/auth.json"), "{}");
  await symlink("real/auth.json", join(directory, "auth.json"));
  const path = join(directory, "auth.json");
  await saveLogin(path, { key: keyOf("quay.io"), credential: bob }, nobody, never);
  assert.match(await readFile(join(directory, "real/auth.json"), "utf8"), /quay\.io/);
  assert.deepEqual((await readdir(directory)).sort(), ["auth.json", "real"]);
});

test("a malformed file is not written over", async (t) => {
  const path = join(await newDirectory(t), "auth.json");
  await writeFile(path, '{"auths":');
  const login = { key: keyOf("quay.io"), credential: bob };
  await assert.rejects(saveLogin(path, login, nobody, never), { code: "CREDENTIALS_FILE" });
  assert.equal(await readFile(path, "utf8"), '{"auths":');
});

test("a file that cannot be written is an error, and leaves nothing behind", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "file"), "");
  const login = { key: keyOf("quay.io"), credential: bob };
  await assert.rejects(saveLogin(join(directory, "file/auth.json"), login, nobody, never), {
    code: "CREDENTIALS_FILE",
    message: /cannot write/,
  });
  assert.deepEqual(await readdir(directory), ["file"]);
});

const KEEPER = `cat > "$DIR/$1"`;

test("a login where the file names a helper is kept by the helper alone", async (t) => {
  const directory = await newDirectory(t);
  await writeHelper(directory, "keeper", KEEPER);
  const machine = {
    variables: { PATH: `${directory}:${process.env["PATH"] ?? ""}`, DIR: directory },
  };
  const path = join(directory, "auth.json");
  const text = JSON.stringify({ credHelpers: { "quay.io": "keeper" } });
  await writeFile(path, text);
  const where = await saveLogin(path, { key: keyOf("quay.io"), credential: bob }, machine, never);
  assert.equal(where, "credential helper docker-credential-keeper");
  assert.equal(await readFile(path, "utf8"), text);
  const stored: unknown = JSON.parse(await readFile(join(directory, "store"), "utf8"));
  assert.deepEqual(stored, { ServerURL: "quay.io", Username: "bob", Secret: "pw" });

  assert.equal(await removeLogin(path, keyOf("quay.io"), machine, never), true);
  assert.equal(await readFile(join(directory, "erase"), "utf8"), "quay.io\n");

  // Helpers know no paths.
  const team = { key: keyOf("quay.io/team"), credential: bob };
  assert.equal(await saveLogin(path, team, machine, never), path);
});

const removals = [
  { name: "a registry", target: "quay.io", left: ["quay.io/team", "gcr.io"], was: true },
  {
    name: "a path",
    target: "quay.io/team",
    left: ["https://quay.io/v1/", "quay.io", "gcr.io"],
    was: true,
  },
  {
    name: "a registry without a login",
    target: "ghcr.io",
    left: ["https://quay.io/v1/", "quay.io", "quay.io/team", "gcr.io"],
    was: false,
  },
] as const;

for (const { name, target, left, was } of removals) {
  test(`a logout from ${name} removes it in every spelling, and nothing else`, async (t) => {
    const path = join(await newDirectory(t), "auth.json");
    const keys = ["https://quay.io/v1/", "quay.io", "quay.io/team", "gcr.io"];
    const auths = Object.fromEntries(keys.map((key) => [key, bobEntry]));
    await writeFile(path, JSON.stringify({ auths, other: 1 }));
    assert.equal(await removeLogin(path, keyOf(target), nobody, never), was);
    const after: unknown = JSON.parse(await readFile(path, "utf8"));
    assert.deepEqual(after, {
      auths: Object.fromEntries(left.map((key) => [key, bobEntry])),
      other: 1,
    });
  });
}

test("a logout from all empties the file and the helpers that it names", async (t) => {
  const directory = await newDirectory(t);
  await writeHelper(directory, "keeper", KEEPER);
  const machine = {
    variables: { PATH: `${directory}:${process.env["PATH"] ?? ""}`, DIR: directory },
  };
  const path = join(directory, "auth.json");
  const rest = { credHelpers: { "ecr.example": "keeper", "x.example": "" } };
  await writeFile(path, JSON.stringify({ auths: { "quay.io": bobEntry }, ...rest }));
  assert.equal(await removeAllLogins(path, machine, never), true);
  assert.deepEqual(JSON.parse(await readFile(path, "utf8")), { auths: {}, ...rest });
  assert.equal(await readFile(join(directory, "erase"), "utf8"), "ecr.example\n");
});

test("a logout where there is no file removes nothing and makes none", async (t) => {
  const directory = await newDirectory(t);
  const path = join(directory, "auth.json");
  assert.equal(await removeLogin(path, keyOf("quay.io"), nobody, never), false);
  assert.equal(await removeAllLogins(path, nobody, never), false);
  assert.deepEqual(await readdir(directory), []);
});

for (const [username, password] of [
  ["", "pw"],
  ["bob", ""],
  ["bob:x", "pw"],
] as const) {
  test(`nobody logs in as ${JSON.stringify(username)} with ${JSON.stringify(password)}`, () => {
    assert.throws(() => loginCredential(username, password), { code: "CREDENTIALS_INVALID" });
  });
}
