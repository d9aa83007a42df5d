import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import type { SignatureEvidence } from "../image/index.ts";
import { SIF_PAYLOAD_TYPE } from "./dsse.ts";
import { parsePemKey, type PemKey } from "./pem-key.ts";
import { signSif } from "./sign-sif.ts";
import {
  addSignature,
  makeSif,
  metadataText,
  never,
  NOW,
  sourceOf,
  withPatches,
} from "./signing-fixture.ts";
import { verifySif } from "./verify-sif.ts";

/** A key pair that OpenSSL made. */
interface Pair {
  readonly path: string;
  readonly key: PemKey;
  /** A DER or raw signature by OpenSSL. */
  readonly sign: (message: Uint8Array) => Promise<Buffer>;
  /** Whether OpenSSL takes it for one. */
  readonly verify: (message: Uint8Array, signature: Uint8Array) => Promise<boolean>;
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  ed25519: ["-algorithm", "ed25519"],
  "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  rsa: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
};

const pairs = new Map<string, Pair>();

before(async (t) => {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-dsse-"));
  (t as unknown as { after: (work: () => Promise<void>) => void }).after(async () => {
    await directory[Symbol.asyncDispose]();
  });
  for (const name of [...Object.keys(KINDS), "other"]) {
    pairs.set(
      name,
      await makePair(join(directory.path, name), KINDS[name] ?? KINDS["ed25519"] ?? []),
    );
  }
});

const openssl = async (...args: readonly string[]): Promise<void> => {
  await promisify(execFile)("openssl", args);
};

async function makePair(path: string, kind: readonly string[]): Promise<Pair> {
  await openssl("genpkey", ...kind, "-out", path);
  await openssl("pkey", "-in", path, "-pubout", "-out", `${path}.pub`);
  const key = parsePemKey(await readFile(`${path}.pub`, "utf8"), `${path}.pub`);
  const digest = key.key.asymmetricKeyType === "ed25519" ? [] : ["-digest", "sha256"];
  const raw = ["-rawin", ...digest];
  return {
    path,
    key,
    async sign(message) {
      await writeFile(`${path}.in`, message);
      const files = ["-in", `${path}.in`, "-out", `${path}.sig`];
      await openssl("pkeyutl", "-sign", "-inkey", path, ...raw, ...files);
      return await readFile(`${path}.sig`);
    },
    async verify(message, signature) {
      await writeFile(`${path}.in`, message);
      await writeFile(`${path}.sig`, signature);
      const files = ["-in", `${path}.in`, "-sigfile", `${path}.sig`];
      try {
        await openssl("pkeyutl", "-verify", "-pubin", "-inkey", `${path}.pub`, ...raw, ...files);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function pair(name: string): Pair {
  const found = pairs.get(name);
  assert.ok(found !== undefined);
  return found;
}

/** The bytes that are signed, as DSSE 1.0 has them. */
function encoded(payload: string, type = SIF_PAYLOAD_TYPE): Buffer {
  return Buffer.from(`DSSEv1 ${type.length} ${type} ${Buffer.byteLength(payload)} ${payload}`);
}

async function envelope(
  payload: string,
  signers: readonly { readonly by: Pair; readonly keyid?: string }[],
): Promise<string> {
  const signatures = [];
  for (const { by, keyid = by.key.fingerprint } of signers) {
    signatures.push({ keyid, sig: (await by.sign(encoded(payload))).toString("base64") });
  }
  const base64 = Buffer.from(payload).toString("base64");
  return JSON.stringify({ payloadType: SIF_PAYLOAD_TYPE, payload: base64, signatures });
}

async function check(text: string, keys: readonly PemKey[]): Promise<SignatureEvidence> {
  const file = await addSignature(makeSif(), { text });
  const options = { now: NOW };
  const found = await verifySif(sourceOf(file), { openPgp: [], pem: keys }, options, never);
  const [only] = found.signatures;
  assert.ok(only !== undefined);
  return only;
}

for (const name of Object.keys(KINDS)) {
  test(`what OpenSSL signs with a key of ${name} is valid, with and without the key's name`, async () => {
    const by = pair(name);
    const payload = await metadataText(makeSif(), 1);
    for (const keyid of [by.key.fingerprint, ""]) {
      const evidence = await check(await envelope(payload, [{ by, keyid }]), [by.key]);
      assert.deepEqual(evidence, {
        format: "dsse",
        verdict: "valid",
        object: 4,
        signer: { fingerprint: by.key.fingerprint, keySource: `${by.path}.pub` },
        covers: { group: 1, objects: [1, 2, 3], missing: [], primary: true },
      });
    }
  });

  test(`OpenSSL takes what siflet signs with a key of ${name}`, async () => {
    const by = pair(name);
    const file = makeSif();
    const keys = [createPrivateKey(await readFile(by.path))];
    const added = await signSif(sourceOf(file), { kind: "pem", keys }, undefined, NOW, never);
    const signed = withPatches(file, added);
    const found = await verifySif(
      sourceOf(signed),
      { openPgp: [], pem: [by.key] },
      { now: NOW },
      never,
    );
    assert.equal(found.signatures[0]?.verdict, "valid");
    const text = Buffer.from(added.patches[0]?.bytes ?? []).toString();
    const written = JSON.parse(text) as {
      readonly payload: string;
      readonly signatures: readonly { readonly sig: string; readonly keyid: string }[];
    };
    const payload = Buffer.from(written.payload, "base64").toString();
    assert.equal(payload, await metadataText(file, 1));
    const [{ sig, keyid } = { sig: "", keyid: "" }] = written.signatures;
    assert.equal(keyid, by.key.fingerprint);
    assert.ok(await by.verify(encoded(payload), Buffer.from(sig, "base64")));
  });

  test(`ssh-keygen gives a key of ${name} the same fingerprint`, async () => {
    const by = pair(name);
    const { stdout: ssh } = await promisify(execFile)("ssh-keygen", [
      "-i",
      "-m",
      "PKCS8",
      "-f",
      `${by.path}.pub`,
    ]).catch(() => ({ stdout: "" }));
    // It reads no Ed25519 key in this form.
    if (ssh === "") {
      assert.equal(name, "ed25519");
      return;
    }
    await writeFile(`${by.path}.ssh`, ssh);
    const { stdout } = await promisify(execFile)("ssh-keygen", ["-l", "-f", `${by.path}.ssh`]);
    assert.ok(stdout.includes(by.key.fingerprint), stdout);
  });
}

test("one good signature of several is enough, and one by a stranger does no harm", async () => {
  const payload = await metadataText(makeSif(), 1);
  const text = await envelope(payload, [{ by: pair("other") }, { by: pair("rsa") }]);
  const evidence = await check(text, [pair("rsa").key]);
  assert.deepEqual(
    [evidence.verdict, evidence.signer?.fingerprint],
    ["valid", pair("rsa").key.fingerprint],
  );
});

test("an envelope may end in a line feed, as those of older writers do", async () => {
  const text = await envelope(await metadataText(makeSif(), 1), [{ by: pair("rsa") }]);
  assert.equal((await check(`${text}\n`, [pair("rsa").key])).verdict, "valid");
});

test("a key that is not there is unknown; without any the kind of key is missing", async () => {
  const text = await envelope(await metadataText(makeSif(), 1), [{ by: pair("ed25519") }]);
  const codes = [await check(text, [pair("other").key]), await check(text, [])].map(
    ({ verdict, code, signer }) => [verdict, code, signer?.fingerprint],
  );
  const { fingerprint } = pair("ed25519").key;
  assert.deepEqual(codes, [
    ["unknown-signer", "SIGNATURE_SIGNER_UNKNOWN", fingerprint],
    ["unknown-signer", "SIGNATURE_KEY_KIND", fingerprint],
  ]);
});

const attacks: readonly {
  readonly name: string;
  readonly change: (text: string) => string;
  readonly code: string;
}[] = [
  {
    name: "another payload",
    change: (text) => withPayload(text, (payload) => payload.replace("1", "2")),
    code: "SIGNATURE_INVALID",
  },
  {
    name: "another signature",
    change: (text) => text.replace(/"sig":"..../, '"sig":"AAAA'),
    code: "SIGNATURE_INVALID",
  },
  {
    name: "another type",
    change: (text) => text.replace("sif-metadata+json", "other+json"),
    code: "SIGNATURE_FORMAT",
  },
  {
    name: "base64 without its padding",
    change: (text) => text.replace(/=+"/, '"'),
    code: "SIGNATURE_FORMAT",
  },
  {
    name: "no signature",
    change: (text) => text.replace(/"signatures":\[.*\]/, '"signatures":[]'),
    code: "SIGNATURE_FORMAT",
  },
  {
    name: "the payload twice",
    change: (text) => text.replace("{", '{"payload":"e30=",'),
    code: "SIGNATURE_FORMAT",
  },
];

function withPayload(text: string, change: (payload: string) => string): string {
  const value = JSON.parse(text) as { payload: string };
  const payload = change(Buffer.from(value.payload, "base64").toString());
  return JSON.stringify({ ...value, payload: Buffer.from(payload).toString("base64") });
}

for (const { name, change, code } of attacks) {
  test(`an envelope with ${name} is ${code}`, async () => {
    const text = await envelope(await metadataText(makeSif(), 1), [{ by: pair("rsa") }]);
    const changed = change(text);
    assert.notEqual(changed, text);
    const evidence = await check(changed, [pair("rsa").key]);
    assert.deepEqual([evidence.verdict, evidence.code], ["broken", code]);
  });
}

test("the fingerprint in a record is nobody's word where an envelope is signed", async () => {
  const text = await envelope(await metadataText(makeSif(), 1), [{ by: pair("rsa") }]);
  const file = await addSignature(makeSif(), { text, fingerprint: "ab".repeat(20) });
  const keys = { openPgp: [], pem: [pair("rsa").key] };
  const [evidence] = (await verifySif(sourceOf(file), keys, { now: NOW }, never)).signatures;
  assert.equal(evidence?.signer?.fingerprint, pair("rsa").key.fingerprint);
});

const refused: readonly { name: string; make: () => Promise<string>; code: string }[] = [
  { name: "no key", make: () => Promise.resolve("key"), code: "KEY_UNREADABLE" },
  { name: "a private key", make: () => readFile(pair("rsa").path, "utf8"), code: "KEY_UNREADABLE" },
  {
    name: "RSA of 1024 bits",
    make: () => publicKey("RSA", "rsa_keygen_bits:1024"),
    code: "KEY_UNUSABLE",
  },
  { name: "Ed448", make: () => publicKey("ED448"), code: "KEY_UNUSABLE" },
  {
    name: "secp256k1",
    make: () => publicKey("EC", "ec_paramgen_curve:secp256k1"),
    code: "KEY_UNUSABLE",
  },
  { name: "X25519", make: () => publicKey("X25519"), code: "KEY_UNUSABLE" },
];

async function publicKey(algorithm: string, option?: string): Promise<string> {
  const path = `${pair("rsa").path}.refused`;
  const options = option === undefined ? [] : ["-pkeyopt", option];
  await openssl("genpkey", "-algorithm", algorithm, ...options, "-out", path);
  await openssl("pkey", "-in", path, "-pubout", "-out", `${path}.pub`);
  return await readFile(`${path}.pub`, "utf8");
}

for (const { name, make, code } of refused) {
  test(`${name} is ${code}`, async () => {
    const text = await make();
    assert.throws(() => parsePemKey(text, "x.pub"), { code, message: /^x\.pub: / });
  });
}
