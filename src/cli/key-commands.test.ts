import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import { startKeyServer, type KeyServer } from "../../test/fixtures/key-server/index.ts";
import { armoredKey, keyBytes, makeKey, publicKeyOf, type Certificate } from "../signing/index.ts";
import { assertFailure, newDirectory, runHere, TEST_NOW, type CliResult } from "./cli-fixture.ts";
import type { Environment } from "./environment.ts";

const EVIL = "Eve \u001b[2J\u202e <eve@example.test>";

let server: KeyServer;
let alice: Certificate;
let bob: Certificate;

before(async () => {
  server = await startKeyServer();
  alice = await makeKey({ name: "Alice", email: "alice@example.test" }, TEST_NOW - 60_000);
  bob = await makeKey({ name: "Bob", email: "bob@example.test" }, TEST_NOW - 60_000);
});

after(async () => {
  await server[Symbol.asyncDispose]();
});

beforeEach(() => {
  server.keys.clear();
  server.requests.length = 0;
  server.fault = undefined;
});

async function key(
  directory: string,
  args: readonly string[],
  environment: Partial<Environment> = {},
): Promise<CliResult> {
  return await runHere(["key", ...args], { directory, environment });
}

function stdin(bytes: string | Uint8Array): Partial<Environment> {
  return { stdin: Readable.from([Buffer.from(bytes)]) };
}

async function listed(directory: string, ...args: readonly string[]): Promise<readonly object[]> {
  const { stdout } = await key(directory, ["list", "--json", ...args]);
  return JSON.parse(stdout) as readonly object[];
}

test("key import keeps what a file holds, and says what of it is new", async (t) => {
  const directory = await newDirectory(t);
  const [one, two] = [alice.getFingerprint(), bob.getFingerprint()];
  await writeFile(join(directory, "alice.asc"), armoredKey(publicKeyOf(alice)));
  const first = await key(directory, ["import", "alice.asc"]);
  assert.equal(first.stdout, `added  public  ${one}  Alice <alice@example.test>\n`);
  const both = Buffer.concat([keyBytes(alice), keyBytes(publicKeyOf(bob))]);
  const second = await key(directory, ["import", "-"], stdin(both));
  assert.equal(
    second.stdout,
    `added  secret  ${one}  Alice <alice@example.test>\nadded  public  ${two}  Bob <bob@example.test>\n`,
  );
  const third = await key(directory, ["import", "alice.asc"]);
  assert.match(third.stdout, /^unchanged {2}public/);
  const own = join(directory, ".local/share/siflet/keys");
  assert.equal((await stat(join(own, "pgp-secret"))).mode & 0o777, 0o600);
  const base = { algorithm: "ed25519", createdAt: TEST_NOW - 60_000 };
  const file = join(own, "pgp-public");
  assert.deepEqual(await listed(directory), [
    {
      ...base,
      fingerprint: one,
      userIds: ["Alice <alice@example.test>"],
      file,
      secret: false,
      state: "valid",
    },
    {
      ...base,
      fingerprint: two,
      userIds: ["Bob <bob@example.test>"],
      file,
      secret: false,
      state: "valid",
    },
  ]);
});

test("key import refuses what is no key", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "page"), "<html>");
  await writeFile(join(directory, "empty"), "");
  for (const [file, message] of [
    ["page", /page: expected OpenPGP keys/],
    ["empty", /empty: expected OpenPGP keys, got none/],
    ["absent", /cannot read .*absent/],
  ] as const) {
    assertFailure(await key(directory, ["import", file]), 2, message);
  }
});

test("key list shows no escape sequence that a stranger wrote, and no key as valid that is not", async (t) => {
  const directory = await newDirectory(t);
  const old = await makeKey(
    { name: "Old", email: "old@example.test", validForMs: 86_400_000 },
    TEST_NOW - 10 * 86_400_000,
  );
  await key(directory, ["import", "-"], stdin(keyBytes(publicKeyOf(old))));
  const sypgp = join(directory, ".singularity/sypgp");
  await mkdir(sypgp, { recursive: true });
  await writeFile(join(sypgp, "pgp-public"), withUserId(publicKeyOf(alice), EVIL));
  const { stdout } = await key(directory, ["list"]);
  // eslint-disable-next-line no-control-regex -- what must not be shown
  assert.doesNotMatch(stdout, /[\u001b\u202e]/);
  assert.match(stdout, /user +Eve {1,2}\[2J +<eve@example\.test>/);
  assert.match(stdout, /^ {2}expires +2025-12-24\n {2}state +expired\n/m);
  assert.match(stdout, new RegExp(`file +${sypgp}/pgp-public`));
});

/** The key packet of a certificate, and a user id that nobody signed. */
function withUserId(certificate: Certificate, text: string): Uint8Array {
  const bytes = keyBytes(certificate);
  const user = Buffer.from(text);
  return Buffer.concat([
    bytes.subarray(0, 2 + (bytes[1] ?? 0)),
    Buffer.from([0xcd, user.length]),
    user,
  ]);
}

test("key export prints keys that import reads, secret ones where that is asked for", async (t) => {
  const [directory, other] = [await newDirectory(t), await newDirectory(t)];
  await key(directory, ["import", "-"], stdin(keyBytes(alice)));
  const fingerprint = alice.getFingerprint();
  const open = await key(directory, ["export", fingerprint.toUpperCase()]);
  assert.match(open.stdout, /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n/);
  const secret = await key(directory, ["export", "--secret", `0x${fingerprint}`]);
  assert.match(secret.stdout, /^-----BEGIN PGP PRIVATE KEY BLOCK-----\n/);
  const copied = await key(other, ["import", "-"], stdin(secret.stdout));
  assert.match(copied.stdout, /^added {2}secret/);
  assert.equal((await listed(other, "--secret")).length, 1);
  const absent = await key(directory, ["export", bob.getFingerprint()]);
  assertFailure(absent, 3, /there is no key [0-9a-f]{40} in any keyring/);
  assertFailure(
    await key(directory, ["export", fingerprint.slice(24)]),
    2,
    /expected a fingerprint of 40/,
  );
});

test("key remove removes from siflet's own keyrings alone, and no secret unasked", async (t) => {
  const directory = await newDirectory(t);
  await key(directory, ["import", "-"], stdin(keyBytes(alice)));
  const fingerprint = alice.getFingerprint();
  assertFailure(await key(directory, ["remove", fingerprint]), 2, /--secret removes both/);
  assert.equal((await listed(directory)).length, 1);
  const removed = await key(directory, ["remove", "--secret", fingerprint]);
  assert.equal(removed.stdout, `removed ${fingerprint}\n`);
  assert.deepEqual(await listed(directory), []);
  assert.deepEqual(await listed(directory, "--secret"), []);
  const keys = join(directory, ".apptainer/keys");
  await mkdir(keys, { recursive: true });
  const ring = keyBytes(publicKeyOf(alice));
  await writeFile(join(keys, "pgp-public"), ring);
  const foreign = await key(directory, ["remove", fingerprint]);
  assertFailure(foreign, 3, /there is no key [0-9a-f]{40} in siflet's own keyrings/);
  assert.deepEqual(await readFile(join(keys, "pgp-public")), Buffer.from(ring));
});

test("key pull asks the servers of the configuration, or those of --server", async (t) => {
  const directory = await newDirectory(t);
  const fingerprint = alice.getFingerprint();
  server.keys.set(fingerprint.toUpperCase(), armoredKey(publicKeyOf(alice)));
  assertFailure(
    await key(directory, ["pull", fingerprint]),
    2,
    /expected --server, keyServers in the configuration/,
  );
  await writeFile(join(directory, "config.yaml"), `keyServers: ["${server.url}"]\n`);
  const configured = { variables: { SIFLET_CONFIG: join(directory, "config.yaml") } };
  const pulled = await key(directory, ["pull", fingerprint, bob.getFingerprint()], configured);
  assert.equal(pulled.stdout, `added  public  ${fingerprint}  Alice <alice@example.test>\n`);
  assert.match(pulled.stderr.join("\n"), /no key server has the key .*: it has no such key/);
  assert.equal(pulled.exitCode, 3);
  server.fault = { kind: "body", body: armoredKey(publicKeyOf(bob)) };
  const other = await key(directory, ["pull", "--server", server.url, fingerprint]);
  assertFailure(other, 5, /it sent another key/);
  server.requests.length = 0;
  const wrong = await key(directory, ["pull", "--server", "http://a", fingerprint], configured);
  assertFailure(wrong, 2, /--server: expected a key server as hkps:/);
  assertFailure(await key(directory, ["pull", "--server", server.url, "12345678"]), 2, /40 hex/);
  assert.deepEqual(server.requests, []);
});

test("key pull asks the servers of remote.yaml where nothing else names any", async (t) => {
  const directory = await newDirectory(t);
  const fingerprint = alice.getFingerprint();
  server.keys.set(fingerprint.toUpperCase(), armoredKey(publicKeyOf(alice)));
  await mkdir(join(directory, ".singularity"));
  const [skipped, asked] = ["http://127.0.0.1:1", server.url.replace(/^hkp:/, "https:")];
  const text = `Active: it
Remotes:
  it:
    URI: cloud.test
    Token: secret
    Keyservers:
      - {URI: "${skipped}", Skip: true, External: false}
      - {URI: "${asked}", External: true, Insecure: true}
`;
  await writeFile(join(directory, ".singularity/remote.yaml"), text, { mode: 0o600 });
  const pulled = await key(directory, ["pull", fingerprint]);
  assert.equal(pulled.stdout, `added  public  ${fingerprint}  Alice <alice@example.test>\n`);
  assert.equal(server.requests.length, 1);
  // What the configuration names is all that is asked then.
  await writeFile(join(directory, "config.yaml"), 'keyServers: ["hkp://127.0.0.1:1"]\n');
  const configured = { variables: { SIFLET_CONFIG: join(directory, "config.yaml") } };
  assertFailure(await key(directory, ["pull", fingerprint], configured), 5, /127\.0\.0\.1:1/);
  assert.equal(server.requests.length, 1);
});

test("key new makes a key that signs, with a passphrase unless none is wanted", async (t) => {
  const directory = await newDirectory(t);
  const who = ["--name", "Carol", "--email", "carol@example.test"];
  assertFailure(
    await key(directory, ["new", ...who]),
    2,
    /expected --passphrase-file or --no-pass/,
  );
  const made = await key(
    directory,
    ["new", ...who, "--comment", "CI", "--expires", "52w", "--passphrase-file", "-"],
    stdin("open sesame\n"),
  );
  assert.match(
    made.stdout,
    /^[0-9a-f]{40}\n {2}user +Carol \(CI\) <carol@example\.test>\n {2}kind +ed25519\n {2}expires +2027-01-01\n/,
  );
  const plain = await key(directory, ["new", ...who, "--rsa", "2048", "--no-passphrase"]);
  assert.match(plain.stdout, /kind +rsa2048\n {2}expires +never/);
  const secrets = await listed(directory, "--secret");
  assert.deepEqual(
    secrets.map((one) => (one as { readonly algorithm: string }).algorithm),
    ["ed25519", "rsa2048"],
  );
  assert.equal((await listed(directory)).length, 2);
});

for (const { name, typed, message } of [
  { name: "two that are the same", typed: "open\ropen\r", message: undefined },
  {
    name: "two that differ",
    typed: "open\rOpen\r",
    message: /the two passphrases are not the same/,
  },
  { name: "none", typed: "\r\r", message: /expected a passphrase, got none/ },
] as const) {
  test(`key new asks a terminal for a passphrase twice: ${name}`, async (t) => {
    const directory = await newDirectory(t);
    const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    terminal.write(typed);
    const args = ["new", "--name", "Carol", "--email", "carol@example.test"];
    const result = await key(directory, args, { stdin: terminal });
    assert.match(result.stderr.join("\n"), /^Passphrase: \nThe same again: /);
    if (message !== undefined) assertFailure(result, 2, message);
    assert.equal((await listed(directory, "--secret")).length, message === undefined ? 1 : 0);
  });
}

const refusals = [
  { args: ["--name", "A <b", "--email", "a@b.c"], message: /expected a name without/ },
  { args: ["--name", "A\u001b[2J", "--email", "a@b.c"], message: /expected a name without/ },
  { args: ["--name", "A", "--email", "a"], message: /expected an address, got "a"/ },
  { args: ["--name", "A", "--email", "a@b.c", "--expires", "1y"], message: /--expires: expected/ },
  { args: ["--name", "A", "--email", "a@b.c", "--rsa", "1024"], message: /--rsa: expected one of/ },
  { args: ["--name", "A"], message: /--email/ },
  {
    args: ["--name", "A", "--email", "a@b.c", "--passphrase-file", "x"],
    message: /expected either --no-passphrase or --passphrase-file/,
  },
] as const;
for (const { args, message } of refusals) {
  test(`key new refuses ${JSON.stringify(args)}`, async (t) => {
    const directory = await newDirectory(t);
    const result = await key(directory, ["new", "--no-passphrase", ...args]);
    assertFailure(result, 2, message);
    assert.deepEqual(await listed(directory), []);
  });
}
