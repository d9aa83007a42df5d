import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DATA_TYPES, readSif, signedHeaderBytes } from "../sif/index.ts";
import type { SignatureEvidence } from "../image/index.ts";
import { hashFor } from "./digest-text.ts";
import type { KeyRing } from "./key-ring.ts";
import {
  addSignature,
  makeSif,
  metadataText,
  never,
  ONE_GROUP,
  sourceOf,
  SYSTEM,
  type Gpg,
} from "./signing-fixture.ts";
import { partsFault } from "./require-parts.ts";
import { LATER, evidenceOf, oneEvidenceOf, startSigner } from "./verify-fixture.ts";
import { verifySif } from "./verify-sif.ts";

let gpg: Gpg;
let alice = "";
let ring: KeyRing;

before(async (t) => {
  ({ gpg, alice, ring } = await startSigner(t as never));
});

async function checkOne(
  file: Uint8Array,
  keys: readonly KeyRing[] = [ring],
  more: Parameters<typeof evidenceOf>[2] = {},
): Promise<SignatureEvidence> {
  return await oneEvidenceOf(file, keys, more);
}

/** A file of one group that Alice signed. */
async function signedFile(): Promise<Uint8Array> {
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), alice);
  return await addSignature(file, { text, fingerprint: alice });
}

test("the digests of known headers", async () => {
  const digest = async (launch: boolean): Promise<string> => {
    const file = makeSif([]);
    if (!launch) file.fill(0, 0, 32);
    const { header } = await readSif(sourceOf(file), never);
    return hashFor("sha256").update(signedHeaderBytes(header)).digest("hex");
  };
  const [none, line] = [await digest(false), await digest(true)];
  assert.equal(none, "635fa0a14a8ef0c0351ed3e985799ed1d4f75ce973dea3cc76c99710795cc3f1");
  assert.equal(line, "af9cf3e1f6cbb3530f08af0a25582fb2e54be6da9b9538bb6278aed7b6e2686f");
});

for (const algorithm of ["sha224", "sha384", "sha512", "sha512_224", "sha512_256"]) {
  test(`digests of ${algorithm} inside of a signature are compared`, async () => {
    const file = makeSif();
    const text = await gpg.clearSign(await metadataText(file, 1, algorithm), alice);
    const signed = await addSignature(file, { text, fingerprint: alice });
    assert.equal((await checkOne(signed)).verdict, "valid");
    signed[signed.length - text.length - 1] = 0;
    assert.equal((await checkOne(signed)).code, "SIGNATURE_DATA");
  });
}

/** A change of a signed file, and what it is found out by. */
interface Change {
  readonly name: string;
  readonly at: number;
  readonly bytes: readonly number[];
  /** Undefined: nothing that is signed. */
  readonly code: string | undefined;
}

const TABLE = 4096;
const RECORD = 585;
/** Of the record of object 2. */
const JSON_RECORD = TABLE + RECORD;

const changes: readonly Change[] = [
  { name: "the launch line", at: 3, bytes: [1], code: "SIGNATURE_HEADER" },
  { name: "the last byte of the launch field", at: 31, bytes: [1], code: "SIGNATURE_HEADER" },
  { name: "the UUID", at: 48, bytes: [1], code: "SIGNATURE_HEADER" },
  { name: "the header's architecture", at: 45, bytes: [48, 52], code: undefined },
  { name: "the header's times", at: 64, bytes: [9, 0, 0, 0, 0, 0, 0, 0, 9], code: undefined },
  { name: "the number of free slots", at: 80, bytes: [7], code: undefined },
  { name: "the data offset", at: 112, bytes: [0, 1], code: undefined },
  { name: "the data size", at: 120, bytes: [0, 1], code: undefined },
  { name: "a record's type", at: JSON_RECORD, bytes: [7], code: "SIGNATURE_DESCRIPTOR" },
  { name: "a record's link", at: JSON_RECORD + 13, bytes: [1], code: "SIGNATURE_DESCRIPTOR" },
  { name: "a record's size", at: JSON_RECORD + 25, bytes: [3], code: "SIGNATURE_DESCRIPTOR" },
  {
    name: "a record's creation time",
    at: JSON_RECORD + 41,
    bytes: [1],
    code: "SIGNATURE_DESCRIPTOR",
  },
  { name: "a record's owner", at: JSON_RECORD + 57, bytes: [1], code: "SIGNATURE_DESCRIPTOR" },
  {
    name: "a record's group of owners",
    at: JSON_RECORD + 65,
    bytes: [1],
    code: "SIGNATURE_DESCRIPTOR",
  },
  { name: "a record's name", at: JSON_RECORD + 73, bytes: [65], code: "SIGNATURE_DESCRIPTOR" },
  {
    name: "a record's extra field",
    at: JSON_RECORD + 201,
    bytes: [1],
    code: "SIGNATURE_DESCRIPTOR",
  },
  { name: "the padding in a record", at: JSON_RECORD + 33, bytes: [1, 1], code: undefined },
  { name: "a record's modification time", at: JSON_RECORD + 49, bytes: [1], code: undefined },
  { name: "a byte of the definition", at: 32_176, bytes: [65], code: "SIGNATURE_DATA" },
  { name: "the last byte of the partition", at: 32_768 + 4095, bytes: [0], code: "SIGNATURE_DATA" },
  { name: "the padding before the partition", at: 32_767, bytes: [1], code: undefined },
];

for (const { name, at, bytes, code } of changes) {
  test(`${name} ${code === undefined ? "is not signed" : `is signed: ${code}`}`, async () => {
    const file = await signedFile();
    file.set(bytes, at);
    for (const keys of [[ring], []]) {
      const evidence = await checkOne(file, keys);
      // Also where nobody knows who signed: what does not fit is changed, whoever it was.
      const expected = code ?? (keys.length === 0 ? "SIGNATURE_SIGNER_UNKNOWN" : undefined);
      assert.equal(evidence.code, expected);
      if (code !== undefined) assert.equal(evidence.verdict, "broken");
    }
  });
}

test("objects that change places or whose ids move on together stay signed", async () => {
  const signed = await signedFile();
  const text = Buffer.from(signed.subarray(signed.length - 1500)).toString("latin1");
  const signature = text.slice(text.indexOf("-----BEGIN PGP SIGNED"));
  const moved = makeSif([{ data: Buffer.from("another"), groupId: 2 }, ...ONE_GROUP]);
  const file = await addSignature(moved, { text: signature, fingerprint: alice });
  const evidence = await checkOne(file);
  assert.deepEqual([evidence.verdict, evidence.covers.objects], ["valid", [2, 3, 4]]);
});

test("a group of another number is another group", async () => {
  const file = makeSif(ONE_GROUP.map((object) => ({ ...object, groupId: 7 })));
  const text = await gpg.clearSign(await metadataText(file, 7), alice);
  const link = { kind: "group", id: 7 } as const;
  const signed = await addSignature(file, { text, fingerprint: alice, link });
  assert.equal((await checkOne(signed)).verdict, "valid");
  const elsewhere = await addSignature(file, { text, fingerprint: alice });
  assert.equal((await checkOne(elsewhere)).code, "SIGNATURE_OBJECT_ABSENT");
});

test("an object that was added to the group is named, and the signer is as good as unknown", async () => {
  const signed = await signedFile();
  const { descriptors } = await readSif(sourceOf(signed), never);
  const signature = descriptors.find(({ dataType }) => dataType === DATA_TYPES.signature);
  assert.ok(signature !== undefined);
  const text = Buffer.from(signed.subarray(signature.offset)).toString();
  const more = makeSif([...ONE_GROUP, { data: Buffer.from("added") }]);
  const evidence = await checkOne(await addSignature(more, { text, fingerprint: alice }));
  assert.equal(evidence.verdict, "unknown-signer");
  assert.equal(evidence.code, "SIGNATURE_OBJECT_UNSIGNED");
  assert.deepEqual(evidence.covers, { group: 1, objects: [1, 2, 3], missing: [4], primary: true });
});

test("CVE-2020-13846: what a stranger signed of a group signs no object of it", async () => {
  const file = makeSif();
  const text = await gpg.clearSign(part(await metadataText(file, 1), 2), alice);
  const signed = await addSignature(file, { text, fingerprint: alice });
  const fault = async (keys: readonly KeyRing[], ids: readonly number[]): Promise<unknown> => {
    const found = await verifySif(
      sourceOf(signed),
      { openPgp: keys, pem: [] },
      { now: LATER },
      never,
    );
    return partsFault(found, { kind: "objects", ids })?.code;
  };
  assert.equal(await fault([ring], [3]), undefined);
  assert.equal(await fault([ring], [1, 3]), "SIGNATURE_NONE");
  assert.equal(await fault([], [3]), "SIGNATURE_NONE");
});

/** Metadata of one object alone. */
function part(text: string, relativeId: number): string {
  const value = JSON.parse(text) as { objects: { relativeId: number }[] };
  const objects = value.objects.filter((object) => object.relativeId === relativeId);
  return JSON.stringify({ ...value, objects });
}

const files: readonly {
  readonly name: string;
  readonly objects: Parameters<typeof makeSif>[0];
  readonly code: string;
}[] = [
  { name: "without objects", objects: [], code: "SIGNATURE_NO_GROUPS" },
  { name: "that nobody signed", objects: ONE_GROUP, code: "SIGNATURE_NONE" },
  {
    name: "with an object in no group",
    objects: [...ONE_GROUP, { data: Buffer.from("stray"), groupId: undefined }],
    code: "SIGNATURE_UNGROUPED",
  },
];

for (const { name, objects, code } of files) {
  test(`a file ${name} is ${code}`, async () => {
    const keys = { openPgp: [ring], pem: [] };
    const found = await verifySif(sourceOf(makeSif(objects)), keys, { now: LATER }, never);
    assert.equal(partsFault(found, undefined)?.code, code);
  });
}

test("every group of a file must be signed, and is found so", async () => {
  let file = makeSif([...ONE_GROUP, { data: Buffer.from("data"), groupId: 2 }]);
  const keys = { openPgp: [ring], pem: [] };
  for (const [id, code] of [
    [1, "SIGNATURE_NONE"],
    [2, undefined],
  ] as const) {
    const text = await gpg.clearSign(await metadataText(file, id), alice);
    file = await addSignature(file, { text, fingerprint: alice, link: { kind: "group", id } });
    const found = await verifySif(sourceOf(file), keys, { now: LATER }, never);
    assert.equal(partsFault(found, undefined)?.code, code);
  }
});

test("an object that was taken away is missed", async () => {
  const signed = await signedFile();
  const text = Buffer.from(signed.subarray(32_768 + 4096)).toString();
  const less = makeSif([ONE_GROUP[0] ?? SYSTEM, SYSTEM]);
  const evidence = await checkOne(await addSignature(less, { text, fingerprint: alice }));
  assert.deepEqual([evidence.verdict, evidence.code], ["broken", "SIGNATURE_OBJECT_ABSENT"]);
});

test("a signature of a group without the primary partition does not cover it", async () => {
  const file = makeSif([...ONE_GROUP, { data: Buffer.from("data"), groupId: 2 }]);
  const text = await gpg.clearSign(await metadataText(file, 2), alice);
  const link = { kind: "group", id: 2 } as const;
  const evidence = await checkOne(await addSignature(file, { text, fingerprint: alice, link }));
  assert.deepEqual([evidence.verdict, evidence.covers.primary], ["valid", false]);
});

test("objects in no group are told", async () => {
  const file = makeSif([...ONE_GROUP, { data: Buffer.from("stray"), groupId: undefined }]);
  const keys = { openPgp: [], pem: [] };
  const found = await verifySif(sourceOf(file), keys, { now: LATER }, never);
  assert.deepEqual([found.ungrouped, found.primary, found.signatures], [[4], 3, []]);
  assert.deepEqual([...found.groups], [[1, [1, 2, 3]]]);
});

const formats: readonly { name: string; text: (good: string) => string; code: string }[] = [
  { name: "nothing", text: () => "", code: "SIGNATURE_FORMAT" },
  { name: "another text", text: () => "signed, Alice", code: "SIGNATURE_FORMAT" },
  { name: "JSON that is no envelope", text: () => '{"payload":"e30="}', code: "SIGNATURE_FORMAT" },
  {
    name: "a signature without its end",
    text: (good) => good.slice(0, -60),
    code: "SIGNATURE_FORMAT",
  },
  {
    name: "a changed text",
    text: (good) => good.replace('"version":1', '"version":2'),
    code: "SIGNATURE_INVALID",
  },
  {
    name: "an envelope of another type",
    text: () =>
      JSON.stringify({ payloadType: "text/plain", payload: "e30=", signatures: [{ sig: "AAAA" }] }),
    code: "SIGNATURE_FORMAT",
  },
];

for (const { name, text, code } of formats) {
  test(`${name} in place of a signature is ${code}`, async () => {
    const file = makeSif();
    const good = await gpg.clearSign(await metadataText(file, 1), alice);
    const evidence = await checkOne(
      await addSignature(file, { text: text(good), fingerprint: alice }),
    );
    assert.deepEqual([evidence.verdict, evidence.code], ["broken", code]);
  });
}

const metadata: readonly { name: string; change: (text: string) => string }[] = [
  { name: "of another version", change: (text) => text.replace('"version":1', '"version":2') },
  { name: "with a member twice", change: (text) => text.replace("{", '{"version":1,') },
  { name: "without objects", change: (text) => text.replace(/"objects":.*/, '"objects":[]}') },
  { name: "with a digest too short", change: (text) => text.replace("sha256:", "sha384:") },
  { name: "with an unknown hash", change: (text) => text.replace("sha256:", "sha3_256:") },
  {
    name: "with an object twice",
    change: (text) => text.replace('"relativeId":1', '"relativeId":0'),
  },
  {
    name: "with a fraction for an id",
    change: (text) => text.replace('"relativeId":1', '"relativeId":0.5'),
  },
  { name: "that is no JSON", change: (text) => text.slice(1) },
];

for (const { name, change } of metadata) {
  test(`signed metadata ${name} is broken`, async () => {
    const file = makeSif();
    const text = await gpg.clearSign(change(await metadataText(file, 1)), alice);
    const evidence = await checkOne(await addSignature(file, { text, fingerprint: alice }));
    assert.deepEqual([evidence.verdict, evidence.code], ["broken", "SIGNATURE_METADATA"]);
  });
}

test("members of the metadata that are not known are passed over, and upper-case digits read", async () => {
  const file = makeSif();
  const given = await metadataText(file, 1);
  const upper = given.replace(
    /sha256:([0-9a-f]+)/,
    (_all, hex: string) => `sha256:${hex.toUpperCase()}`,
  );
  const text = await gpg.clearSign(upper.replace("{", '{"new":[1],'), alice);
  assert.equal(
    (await checkOne(await addSignature(file, { text, fingerprint: alice }))).verdict,
    "valid",
  );
});

test("an unknown hash in the record is refused", async () => {
  const file = await signedFile();
  const extra = TABLE + 3 * RECORD + 201;
  file[extra] = 9;
  const evidence = await checkOne(file);
  assert.deepEqual([evidence.verdict, evidence.code], ["broken", "SIGNATURE_HASH"]);
});

const LEGACY = [
  { what: "an object", link: { kind: "object", id: 3 }, objects: [3] },
  { what: "a group", link: { kind: "group", id: 1 }, objects: [1, 2, 3] },
] as const;

for (const { what, link, objects } of LEGACY) {
  test(`CVE-2020-13847: a signature of ${what} of before 3.6 counts only where that is asked for`, async () => {
    const file = makeSif();
    const { descriptors } = await readSif(sourceOf(file), never);
    const hash = hashFor("sha384");
    for (const { id, offset, size } of descriptors) {
      if ((objects as readonly number[]).includes(id))
        hash.update(file.subarray(offset, offset + size));
    }
    const text = await gpg.clearSign(`SIFHASH:\n${hash.digest("hex")}`, alice);
    const more = { text, fingerprint: alice, link, hash: "sha384", groupId: 1 } as const;
    const signed = await addSignature(file, more);
    const ignored = await checkOne(signed);
    assert.deepEqual([ignored.verdict, ignored.code], ["ignored", "SIGNATURE_LEGACY"]);
    const counted = await checkOne(signed, [ring], { legacyInsecure: true });
    assert.deepEqual([counted.verdict, counted.format], ["valid", "legacy"]);
    assert.deepEqual([counted.covers.objects, counted.covers.primary], [objects, true]);
    signed[32_768] = 1;
    const broken = await checkOne(signed, [ring], { legacyInsecure: true });
    assert.deepEqual([broken.verdict, broken.code], ["broken", "SIGNATURE_DATA"]);
  });
}
