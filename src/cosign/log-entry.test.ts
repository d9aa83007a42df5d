import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { parseDigest } from "../image/index.ts";
import type { FoundSignature } from "./found-signature.ts";
import { isEntryOf } from "./log-entry.ts";

const { publicKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { publicKey: stranger } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const digest = parseDigest(`sha256:${"0".repeat(64)}`);
const signature = Buffer.from("signature");
const payload = Buffer.from("payload");
const message = Buffer.from("message");

const found: FoundSignature = {
  format: "bundle",
  blob: digest,
  image: digest,
  digests: [digest],
  dockerReference: undefined,
  payload,
  message,
  signature,
  certificate: undefined,
  keyHint: undefined,
  intermediates: [],
  logClaims: [],
  timestamps: 0,
  bundle: {},
};

/** What an entry says, for each kind to write in its own way. */
interface Parts {
  readonly payloadHash: Buffer;
  readonly messageHash: Buffer;
  readonly signature: Buffer;
  readonly signer: KeyObject;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const right: Parts = {
  payloadHash: sha256(payload),
  messageHash: sha256(message),
  signature,
  signer: key,
};
const pem = (it: KeyObject): string =>
  Buffer.from(it.export({ format: "pem", type: "spki" })).toString("base64");
const der = (it: KeyObject): string =>
  it.export({ format: "der", type: "spki" }).toString("base64");
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

const kinds: Readonly<Record<string, (parts: Parts) => object>> = {
  "hashedrekord 0.0.1": ({ messageHash, signature: sig, signer }) => ({
    data: { hash: { algorithm: "sha256", value: messageHash.toString("hex") } },
    signature: { content: base64(sig), publicKey: { content: pem(signer) } },
  }),
  "hashedrekord 0.0.2": ({ messageHash, signature: sig, signer }) => ({
    hashedRekordV002: {
      data: { algorithm: "SHA2_256", digest: base64(messageHash) },
      signature: { content: base64(sig), verifier: { publicKey: { rawBytes: der(signer) } } },
    },
  }),
  "dsse 0.0.1": ({ payloadHash, signature: sig, signer }) => ({
    payloadHash: { algorithm: "sha256", value: payloadHash.toString("hex") },
    signatures: [{ signature: base64(sig), verifier: pem(signer) }],
  }),
  "dsse 0.0.2": ({ payloadHash, signature: sig, signer }) => ({
    dsseV002: {
      payloadHash: { algorithm: "SHA2_256", digest: base64(payloadHash) },
      signatures: [{ content: base64(sig), verifier: { publicKey: { rawBytes: der(signer) } } }],
    },
  }),
  "intoto 0.0.2": ({ payloadHash, signature: sig, signer }) => ({
    content: {
      envelope: {
        signatures: [{ sig: base64(Buffer.from(base64(sig))), publicKey: pem(signer) }],
      },
      payloadHash: { algorithm: "sha256", value: payloadHash.toString("hex") },
    },
  }),
};

function entry(kind: string, spec: object): Buffer {
  const [name, apiVersion] = kind.split(" ");
  return Buffer.from(JSON.stringify({ kind: name, apiVersion, spec }));
}

const others: readonly (readonly [string, Partial<Parts>])[] = [
  [
    "bytes",
    { payloadHash: sha256(Buffer.from("other")), messageHash: sha256(Buffer.from("other")) },
  ],
  // Each kind counts one of the two: the other one must not do.
  ["part of the signature", { payloadHash: right.messageHash, messageHash: right.payloadHash }],
  ["signature", { signature: Buffer.from("another") }],
  ["key", { signer: stranger }],
];
for (const [kind, write] of Object.entries(kinds)) {
  test(`an entry of ${kind} is one of what it names`, () => {
    assert.equal(isEntryOf(entry(kind, write(right)), found, key), true);
  });

  for (const [name, part] of others) {
    test(`an entry of ${kind} for another ${name} is none`, () => {
      assert.equal(isEntryOf(entry(kind, write({ ...right, ...part })), found, key), false);
    });
  }

  test(`what is written as ${kind} counts for no other kind or version`, () => {
    const [name = "", version = ""] = kind.split(" ");
    for (const other of [`${name} 0.0.3`, `x${name} ${version}`, "rfc3161 0.0.1"]) {
      assert.equal(isEntryOf(entry(other, write(right)), found, key), false);
    }
  });
}

test("an entry with two signatures, of which one fits, is none", () => {
  const once = kinds["dsse 0.0.1"]?.(right) as { readonly signatures: readonly object[] };
  const twice = { ...once, signatures: [...once.signatures, ...once.signatures] };
  assert.equal(isEntryOf(entry("dsse 0.0.1", twice), found, key), false);
});

for (const bytes of ["", "{}", "[]", '{"kind":"dsse","apiVersion":"0.0.1","spec":null}']) {
  test(`${JSON.stringify(bytes)} is no entry`, () => {
    assert.equal(isEntryOf(Buffer.from(bytes), found, key), false);
  });
}
