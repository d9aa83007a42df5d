import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { newDirectory, runHere } from "../src/cli/cli-fixture.ts";
import { startGpg, type Gpg } from "../src/signing/signing-fixture.ts";

// Keys go from GnuPG to siflet and back, and from the keyrings of other programs into `siflet key list`.

let gpg: Gpg;
let alice = "";
let bob = "";

before(async (t) => {
  gpg = await startGpg(t as never);
  alice = await gpg.makeKey("Alice <alice@example.test>");
  bob = await gpg.makeKey("Bob <bob@example.test>", "rsa3072", "sign", "2y");
});

interface Listed {
  readonly fingerprint: string;
  readonly userIds: readonly string[];
  readonly state: string;
  readonly algorithm: string;
  readonly expiresAt?: number;
  readonly file: string;
}

async function key(directory: string, ...args: readonly string[]): Promise<string> {
  const environment = { now: Date.now };
  const result = await runHere(["key", ...args], { directory, environment });
  assert.deepEqual([result.exitCode, result.stderr], [0, []]);
  return result.stdout;
}

async function list(directory: string, ...args: readonly string[]): Promise<readonly Listed[]> {
  return JSON.parse(await key(directory, "list", "--json", ...args)) as readonly Listed[];
}

for (const form of ["armored", "binary"] as const) {
  test(`what GnuPG exports (${form}) is read, public and secret`, async (t) => {
    const directory = await newDirectory(t);
    const armor = form === "armored" ? ["--armor"] : [];
    const file = join(directory, "keys");
    await writeFile(file, await gpg.run(...armor, "--export"));
    await key(directory, "import", file);
    const found = await list(directory);
    assert.deepEqual(
      found.map(({ fingerprint, algorithm, state }) => ({ fingerprint, algorithm, state })),
      [
        { fingerprint: alice, algorithm: "ed25519", state: "valid" },
        { fingerprint: bob, algorithm: "rsa3072", state: "valid" },
      ],
    );
    const [never, years] = found.map(({ expiresAt }) => expiresAt);
    assert.equal(never, undefined);
    assert.ok((years ?? 0) > Date.now() + 700 * 86_400_000);
    await writeFile(file, await gpg.run(...armor, "--export-secret-keys", alice));
    assert.match(await key(directory, "import", file), /^added {2}secret/);
  });
}

test("GnuPG imports what siflet exports, of keys that siflet made too", async (t) => {
  const directory = await newDirectory(t);
  const other = await startGpg(t);
  const made = await key(
    directory,
    ...["new", "--name", "Carol", "--email", "carol@example.test", "--no-passphrase"],
  );
  const carol = made.slice(0, 40);
  const file = join(directory, "carol");
  await writeFile(file, await key(directory, "export", carol));
  await other.run("--import", file);
  await writeFile(file, await key(directory, "export", "--secret", carol));
  await other.run("--import", file);
  const listing = String(await other.run("--with-colons", "--list-secret-keys"));
  assert.match(listing, new RegExp(`^fpr:+${carol.toUpperCase()}:`, "m"));
  assert.match(listing, /^uid:.*:Carol <carol@example\.test>:/m);
  // A signature by GnuPG with the key that siflet made.
  assert.match(await other.clearSign("text\n", carol), /BEGIN PGP SIGNATURE/);
});

test("GnuPG opens with its passphrase a secret key that siflet made", async (t) => {
  const directory = await newDirectory(t);
  const other = await startGpg(t);
  const passphrase = join(directory, "passphrase");
  await writeFile(passphrase, "open sesame\n");
  const made = await key(
    directory,
    ...["new", "--name", "Dan", "--email", "dan@example.test", "--passphrase-file", passphrase],
  );
  const file = join(directory, "dan");
  await writeFile(file, await key(directory, "export", "--secret", made.slice(0, 40)));
  await other.run("--import", file);
  await writeFile(join(directory, "text"), "text\n");
  const sign = ["--clearsign", "-o", "-", join(directory, "text")];
  await assert.rejects(other.run("--passphrase", "wrong", ...sign));
  const signed = await other.run("--passphrase", "open sesame", ...sign);
  assert.match(String(signed), /BEGIN PGP SIGNATURE/);
});

test("a revocation that is imported later is joined to the key that is there", async (t) => {
  const directory = await newDirectory(t);
  const other = await startGpg(t);
  const eve = await other.makeKey("Eve <eve@example.test>");
  const file = join(directory, "eve");
  const before = await other.run("--export", eve);
  await writeFile(file, before);
  await key(directory, "import", file);
  await other.revoke(eve);
  await writeFile(file, await other.run("--export", eve));
  assert.match(await key(directory, "import", file), /^updated {2}public/);
  assert.deepEqual(
    (await list(directory)).map(({ state }) => state),
    ["revoked"],
  );
  // The older copy, imported again, does not bring the key back.
  await writeFile(file, before);
  assert.match(await key(directory, "import", file), /^unchanged/);
  assert.deepEqual(
    (await list(directory)).map(({ state }) => state),
    ["revoked"],
  );
});

test("the keyrings of Singularity and Apptainer are read where they lie, and stay as they are", async (t) => {
  const directory = await newDirectory(t);
  const places = [
    { path: ".singularity/sypgp", fingerprint: alice },
    { path: ".apptainer/keys", fingerprint: bob },
  ];
  for (const { path, fingerprint } of places) {
    await mkdir(join(directory, path), { recursive: true });
    const ring = await gpg.run("--export", fingerprint);
    await writeFile(join(directory, path, "pgp-public"), ring);
    const secret = await gpg.run("--export-secret-keys", fingerprint);
    await writeFile(join(directory, path, "pgp-secret"), secret);
  }
  const expected = places.map(({ path, fingerprint }) => [
    fingerprint,
    join(directory, path, "pgp-public"),
  ]);
  assert.deepEqual(
    (await list(directory)).map(({ fingerprint, file }) => [fingerprint, file]),
    expected,
  );
  assert.equal((await list(directory, "--secret")).length, 2);
  await key(directory, "new", "--name", "Own", "--email", "own@example.test", "--no-passphrase");
  const after = await list(directory);
  assert.equal(after[0]?.file, join(directory, ".local/share/siflet/keys/pgp-public"));
  const ring = await readFile(join(directory, ".singularity/sypgp/pgp-public"));
  assert.deepEqual(ring, await gpg.run("--export", alice));
});
