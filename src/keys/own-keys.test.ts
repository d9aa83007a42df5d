import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { keyBytes, parseKeys, parseRing, publicKeyOf } from "../signing/index.ts";
import { findKey, keyRings, secretKeyRings } from "./key-rings.ts";
import { keyOf, never, newDirectory, placesIn } from "./keys-fixture.ts";
import { keepKeys, removeKey } from "./own-keys.ts";
import { MAX_RING_BYTES } from "./read-ring.ts";

const PROCESSES = 6;
const KEYS = 3;

/** A certificate of an algorithm that there is not: packets, and nothing that could be used. */
const STRANGE = Buffer.from([0xc6, 8, 4, 0, 0, 0, 1, 99, 0, 0, 0xcd, 3, 0x61, 0x62, 0x63]);

test("a key is kept for its owner alone, and found", async (t) => {
  const places = placesIn(await newDirectory(t));
  const key = await keyOf("Alice");
  const changes = await keepKeys(places, [key], never);
  assert.deepEqual(
    changes.map(({ change }) => change),
    ["added"],
  );
  const own = places.own ?? "";
  assert.deepEqual((await readdir(own)).sort(), ["pgp-public", "pgp-secret"]);
  assert.equal((await stat(own)).mode & 0o777, 0o700);
  for (const name of ["pgp-public", "pgp-secret"]) {
    assert.equal((await stat(join(own, name))).mode & 0o777, 0o600, name);
  }
  const fingerprint = key.getFingerprint();
  const found = await findKey(keyRings(places), fingerprint, "key");
  assert.deepEqual([found.key.isPrivate(), found.source], [false, join(own, "pgp-public")]);
  const secret = await findKey(secretKeyRings(places), fingerprint, "secret key");
  assert.deepEqual([secret.key.isPrivate(), secret.source], [true, join(own, "pgp-secret")]);
  const [again] = await keepKeys(places, [key], never);
  assert.equal(again?.change, "unchanged");
  await assert.rejects(findKey(keyRings(places), "0".repeat(40), "key"), { code: "KEY_NOT_FOUND" });
});

test("keys of many processes that are kept at once are all there", async (t) => {
  const directory = await newDirectory(t);
  const places = placesIn(directory);
  const names = Array.from({ length: PROCESSES }, (_, at) => `P${at}`);
  const script = `
    const [keys, signing, directory, name] = process.argv.slice(1);
    const { keepKeys } = await import(keys);
    const { makeKey } = await import(signing);
    const { signal } = new AbortController();
    const places = { global: [], own: directory, others: [] };
    for (let count = 0; count < ${KEYS}; count++) {
      const key = await makeKey({ name: name + count, email: "a@b.c" }, Date.now() - 60000);
      await keepKeys(places, [key], signal);
    }`;
  const ends = names.map(async (name) => {
    const folders = ["index.ts", "../signing/index.ts"].map((file) =>
      join(import.meta.dirname, file),
    );
    const args = ["--input-type=module", "-e", script, ...folders, places.own ?? "", name];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    await once(child, "close");
    return child.exitCode;
  });
  assert.deepEqual(
    await Promise.all(ends),
    names.map(() => 0),
  );
  const expected = names.flatMap((name) =>
    Array.from({ length: KEYS }, (_, count) => `${name}${count} <a@b.c>`),
  );
  for (const name of ["pgp-public", "pgp-secret"]) {
    const keys = await parseKeys(await readFile(join(places.own ?? "", name)), name);
    assert.deepEqual(keys.flatMap((key) => key.getUserIDs()).sort(), expected, name);
  }
  assert.deepEqual((await readdir(places.own ?? "")).sort(), ["pgp-public", "pgp-secret"]);
});

test("what of a keyring nothing is known of keeps its bytes", async (t) => {
  const places = placesIn(await newDirectory(t));
  const [alice, bob] = [publicKeyOf(await keyOf("Alice")), publicKeyOf(await keyOf("Bob"))];
  const file = join(places.own ?? "", "pgp-public");
  await mkdir(places.own ?? "");
  await writeFile(file, Buffer.concat([keyBytes(alice), STRANGE]));
  assert.deepEqual(
    (await parseRing(await readFile(file), file)).map(({ key }) => key !== undefined),
    [true, false],
  );
  await keepKeys(places, [bob], never);
  const expected = Buffer.concat([keyBytes(alice), STRANGE, keyBytes(bob)]);
  assert.deepEqual(await readFile(file), expected);
  assert.equal(await removeKey(places, alice.getFingerprint(), "public", never), true);
  assert.deepEqual(await readFile(file), Buffer.concat([STRANGE, keyBytes(bob)]));
  assert.equal(await removeKey(places, alice.getFingerprint(), "both", never), false);
});

test("a secret is removed only where that is asked for", async (t) => {
  const places = placesIn(await newDirectory(t));
  const key = await keyOf("Alice");
  await keepKeys(places, [key], never);
  await removeKey(places, key.getFingerprint(), "public", never);
  const [secrets] = secretKeyRings(places);
  assert.equal((await secrets?.all())?.length, 1);
  await removeKey(places, key.getFingerprint(), "both", never);
  const [after] = secretKeyRings(places);
  assert.deepEqual(await after?.all(), []);
});

test("keyrings are asked in their order: the machine's, siflet's own, those of other programs", async (t) => {
  const directory = await newDirectory(t);
  const places = placesIn(directory);
  const key = publicKeyOf(await keyOf("Alice"));
  const fingerprint = key.getFingerprint();
  const files = [
    join(directory, "other", "pgp-public"),
    join(directory, "own", "pgp-public"),
    join(directory, "global-pgp-public"),
  ];
  await mkdir(join(directory, "own"));
  await mkdir(join(directory, "other"));
  for (const file of files) {
    await writeFile(file, keyBytes(key));
    assert.equal((await findKey(keyRings(places), fingerprint, "key")).source, file);
  }
});

const damaged = [
  { name: "no packets", bytes: Buffer.from("hello\n") },
  { name: "a packet that is cut", bytes: Buffer.from([0xc6, 200, 4]) },
  { name: "a packet of no stated length", bytes: Buffer.from([0x9b, 4, 0, 0]) },
  { name: "a signature before any key", bytes: Buffer.from([0xc2, 1, 4]) },
  {
    name: "armor without an end",
    bytes: Buffer.from("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"),
  },
];
for (const { name, bytes } of damaged) {
  test(`a keyring that is ${name} is an error with its name, and is not written over`, async (t) => {
    const places = placesIn(await newDirectory(t));
    const file = join(places.own ?? "", "pgp-public");
    await mkdir(places.own ?? "");
    await writeFile(file, bytes);
    const expected = {
      code: "KEY_UNREADABLE",
      message: new RegExp(`${file}: expected OpenPGP keys`),
    };
    await assert.rejects(findKey(keyRings(places), "0".repeat(40), "key"), expected);
    await assert.rejects(keepKeys(places, [publicKeyOf(await keyOf("Alice"))], never), expected);
    assert.deepEqual(await readFile(file), bytes);
  });
}

test("a keyring of any size is read up to a limit", async (t) => {
  const places = placesIn(await newDirectory(t));
  const file = join(places.own ?? "", "pgp-public");
  await mkdir(places.own ?? "");
  await writeFile(file, Buffer.alloc(MAX_RING_BYTES + 1));
  const expected = { code: "KEYRING_FILE", message: /pgp-public: expected at most 16777216 bytes/ };
  await assert.rejects(findKey(keyRings(places), "0".repeat(40), "key"), expected);
});

test("a keyring that cannot be read or written is an error with its name", async (t) => {
  const directory = await newDirectory(t);
  const places = placesIn(directory);
  await mkdir(join(places.own ?? "", "pgp-public"), { recursive: true });
  const expected = { code: "KEYRING_FILE", message: /own\/pgp-public/ };
  await assert.rejects(findKey(keyRings(places), "0".repeat(40), "key"), expected);
  const key = publicKeyOf(await keyOf("Alice"));
  await assert.rejects(keepKeys(places, [key], never), expected);
  await writeFile(join(directory, "file"), "");
  const below = { ...places, own: join(directory, "file", "keys") };
  await assert.rejects(keepKeys(below, [key], never), { code: "KEYRING_FILE" });
  await assert.rejects(keepKeys({ ...places, own: undefined }, [key], never), {
    code: "KEYRING_FILE",
    message: /SIFLET_KEYSDIR/,
  });
});

test("an aborted import changes nothing", async (t) => {
  const places = placesIn(await newDirectory(t));
  const reason = new Error("stop");
  const key = await keyOf("Alice");
  await assert.rejects(
    keepKeys(places, [key], AbortSignal.abort(reason)),
    (error) => error === reason,
  );
  await assert.rejects(stat(places.own ?? ""), { code: "ENOENT" });
});
