import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { generateKey, readPrivateKey } from "openpgp";
import { DATA_TYPES, readSif } from "../sif/index.ts";
import type { Certificate } from "./openpgp-key.ts";
import { parseKeys } from "./key-ring.ts";
import { signSif, type SignedParts } from "./sign-sif.ts";
import {
  makeSif,
  metadataText,
  never,
  NOW,
  ONE_GROUP,
  sourceOf,
  startGpg,
  withPatches,
  type Gpg,
} from "./signing-fixture.ts";
import { verifySif } from "./verify-sif.ts";

const LATER = NOW + 60_000;

let gpg: Gpg;
let alice = "";
let key: Certificate;

before(async (t) => {
  gpg = await startGpg(t as never);
  alice = await gpg.makeKey("Alice <alice@example.test>");
  key = await secretKey(alice);
});

async function secretKey(fingerprint: string): Promise<Certificate> {
  const [first] = await parseKeys(await gpg.run("--export-secret-keys", fingerprint), "gpg");
  assert.ok(first?.isPrivate() === true);
  return first;
}

async function sign(
  file: Uint8Array,
  parts?: SignedParts,
  by: Certificate = key,
  now = Date.now(),
): Promise<Uint8Array> {
  const added = await signSif(sourceOf(file), { kind: "openpgp", key: by }, parts, now, never);
  return withPatches(file, added);
}

/** The texts of a file's signatures. */
async function signatures(file: Uint8Array): Promise<readonly string[]> {
  const { descriptors } = await readSif(sourceOf(file), never);
  return descriptors
    .filter(({ dataType }) => dataType === DATA_TYPES.signature)
    .map(({ offset, size }) => Buffer.from(file.subarray(offset, offset + size)).toString());
}

for (const algorithm of ["ed25519", "rsa3072", "nistp384"]) {
  test(`GnuPG takes what siflet signs with a key of ${algorithm}`, async () => {
    const fingerprint = await gpg.makeKey(`Own <own-${algorithm}@example.test>`, algorithm);
    const file = makeSif();
    const now = Date.now();
    const signed = await sign(file, undefined, await secretKey(fingerprint), now);
    const [text = ""] = await signatures(signed);
    assert.match(
      text,
      /^-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA(256|384|512)\n\n\{"version":1,/,
    );
    assert.ok(text.endsWith("-----END PGP SIGNATURE-----"));
    const path = join(gpg.home, "signed");
    await writeFile(path, text);
    const plain = String(await gpg.run("--decrypt", path));
    assert.equal(plain.trimEnd(), await metadataText(file, 1));
    const status = String(await gpg.run("--status-fd", "1", "--verify", path));
    assert.match(status, new RegExp(`VALIDSIG ${fingerprint.toUpperCase()}`));
    const keys = { openPgp: [await gpg.ring(fingerprint)], pem: [] };
    const [evidence] = (await verifySif(sourceOf(signed), keys, { now }, never)).signatures;
    assert.deepEqual(
      [evidence?.verdict, evidence?.signedAt],
      ["valid", Math.floor(now / 1000) * 1000],
    );
  });
}

test("the record of a signature is that of the reference, and the file stays deterministic", async () => {
  const now = Date.now();
  const signed = await sign(makeSif(), undefined, key, now);
  const { header, descriptors } = await readSif(sourceOf(signed), never);
  const record = descriptors[3];
  assert.ok(record !== undefined);
  const { dataType, groupId, link, name, createdSeconds, modifiedSeconds, extra, offset } = record;
  assert.deepEqual(
    { dataType, groupId, link, name, createdSeconds, modifiedSeconds },
    {
      dataType: 0x4005,
      groupId: undefined,
      link: { kind: "group", id: 1 },
      name: "",
      createdSeconds: undefined,
      modifiedSeconds: undefined,
    },
  );
  assert.match(
    Buffer.from(extra.subarray(0, 24)).toString("hex"),
    new RegExp(`^0[123]000000${alice}$`),
  );
  assert.deepEqual([offset, header.descriptorsFree], [32_768 + 4096, 44]);
  assert.equal(header.dataOffset + header.dataSize, signed.length);
  assert.deepEqual([header.createdSeconds, header.modifiedSeconds], [undefined, undefined]);
  // The same key, file and time: the same bytes.
  assert.deepEqual(await sign(makeSif(), undefined, key, now), signed);
});

test("a file with a UUID of its own gets the time", async () => {
  const file = makeSif();
  file[50] = 7;
  const { header, descriptors } = await readSif(
    sourceOf(await sign(file, undefined, key, LATER)),
    never,
  );
  const seconds = BigInt(Math.floor(LATER / 1000));
  assert.deepEqual([header.createdSeconds, header.modifiedSeconds], [undefined, seconds]);
  assert.equal(descriptors[3]?.createdSeconds, seconds);
});

test("each group is signed by itself, or those that are named", async () => {
  const file = makeSif([...ONE_GROUP, { data: Buffer.from("data"), groupId: 2 }]);
  const keys = { openPgp: [await gpg.ring(alice)], pem: [] };
  const covered = async (parts?: SignedParts): Promise<unknown> =>
    (
      await verifySif(sourceOf(await sign(file, parts)), keys, { now: LATER }, never)
    ).signatures.map(({ verdict, covers }) => [verdict, covers.group, covers.objects]);
  assert.deepEqual(await covered(), [
    ["valid", 1, [1, 2, 3]],
    ["valid", 2, [4]],
  ]);
  assert.deepEqual(await covered({ kind: "groups", ids: [2] }), [["valid", 2, [4]]]);
  assert.deepEqual(await covered({ kind: "objects", ids: [3] }), [["unknown-signer", 1, [3]]]);
});

const refusals: readonly {
  name: string;
  parts?: SignedParts;
  objects: Parameters<typeof makeSif>[0];
  code: string;
}[] = [
  { name: "a file without objects", objects: [], code: "SIGNATURE_NO_GROUPS" },
  {
    name: "an object in no group",
    objects: [{ data: Buffer.from("x"), groupId: undefined }],
    code: "SIGNATURE_UNGROUPED",
  },
  {
    name: "a group that is not there",
    parts: { kind: "groups", ids: [9] },
    objects: ONE_GROUP,
    code: "SIGNATURE_NO_GROUP",
  },
  {
    name: "an object that is not there",
    parts: { kind: "objects", ids: [9] },
    objects: ONE_GROUP,
    code: "SIGNATURE_NO_OBJECT",
  },
];

for (const { name, parts, objects, code } of refusals) {
  test(`${name} is not signed: ${code}`, async () => {
    await assert.rejects(sign(makeSif(objects), parts), { code });
  });
}

test("a file whose table is full is not signed", async () => {
  let file = makeSif();
  for (let count = 0; count < 45; count += 1) file = await sign(file);
  await assert.rejects(sign(file), { code: "SIF_TABLE" });
});

test("a key with its passphrase on, or of a later version, does not sign", async () => {
  const { privateKey } = await generateKey({
    userIDs: { name: "Locked" },
    passphrase: "secret",
    format: "object",
  });
  await assert.rejects(sign(makeSif(), undefined, privateKey), { code: "KEY_UNUSABLE" });
  const later = await generateKey({
    userIDs: { name: "Later" },
    format: "armored",
    config: { v6Keys: true },
  });
  const six = await readPrivateKey({ armoredKey: later.privateKey });
  await assert.rejects(sign(makeSif(), undefined, six), { code: "KEY_UNUSABLE" });
});
