import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Authority,
  certificateAuthority,
  keylessAuthority,
  readTrustedRoot,
  verifyImage,
} from "../../src/cosign/index.ts";
import type { ImageEvidence } from "../../src/image/index.ts";
import { parseCertificates } from "../../src/signing/index.ts";
import {
  type Holder,
  IDENTITY,
  ISSUER,
  keyPair,
  pemOf,
  signedBy,
  type Sigstore,
  startSigstore,
} from "./sigstore-fixture.ts";
import {
  bundleOf,
  dsseEntry,
  dsseEntry2,
  hashedRekord,
  INDEX,
  layerOf,
  NAME,
  never,
  OTHER,
  payloadFor,
  type SignedImage,
  signStatement,
  startSignedImage,
} from "./signed-image.ts";

const MINUTE = 60_000;
const payload = payloadFor(INDEX);

async function authorityOf(
  { rootBytes }: Pick<Sigstore, "rootBytes">,
  identity = IDENTITY,
  issuer = ISSUER,
): Promise<Authority> {
  return keylessAuthority(await readTrustedRoot(rootBytes, "root.json"), identity, issuer);
}

async function evidenceOf(
  on: SignedImage,
  authorities: readonly Authority[],
  now = Date.now() + 2 * MINUTE,
): Promise<ImageEvidence> {
  const options = { what: NAME, now };
  const digests = { manifest: INDEX };
  const all = await verifyImage(on.repository, digests, authorities, options, never);
  const [evidence, ...more] = all;
  assert.ok(evidence !== undefined && more.length === 0);
  return evidence;
}

async function verdictOf(
  on: SignedImage,
  ...authorities: readonly Authority[]
): Promise<readonly [string, string | undefined]> {
  const { verdict, code } = await evidenceOf(on, authorities);
  return [verdict, code];
}

/** Signs the payload and has it logged, as cosign does. */
async function signPayload(on: SignedImage, sigstore: Sigstore, holder: Holder): Promise<void> {
  const signature = signedBy(holder.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, holder.pem));
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, entry })]);
}

test("a payload signed with a certificate is valid for its identity and issuer", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  await signPayload(on, sigstore, await sigstore.certificate());
  const authority = await authorityOf(sigstore);
  const { verdict, signer, signedAt, authorities, dockerReference } = await evidenceOf(on, [
    authority,
  ]);
  assert.deepEqual([verdict, dockerReference, authorities], ["valid", NAME, [authority.id]]);
  assert.deepEqual([signer?.identity, signer?.issuer], [IDENTITY, ISSUER]);
  assert.match(signer?.fingerprint ?? "", /^SHA256:/);
  assert.ok(signedAt !== undefined && Math.abs(signedAt - Date.now()) < 10 * MINUTE);
});

test("a bundle signed with a certificate is valid for its identity and issuer", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const holder = await sigstore.certificate();
  const statement = signStatement(INDEX, holder.privateKey);
  const entry = await sigstore.record(dsseEntry(statement, holder.pem));
  on.referBundle(INDEX, bundleOf(statement, { certificate: holder.der, entries: [entry] }));
  const { verdict, signer, signedAt } = await evidenceOf(on, [await authorityOf(sigstore)]);
  assert.deepEqual([verdict, signer?.identity, signer?.issuer], ["valid", IDENTITY, ISSUER]);
  assert.equal(signedAt, entry.integratedTime * 1000);
});

test("an entry of a log that says no time needs a timestamp beside it", async () => {
  const sigstore = await startSigstore();
  const holder = await sigstore.certificate();
  const statement = signStatement(INDEX, holder.privateKey);
  const entries = [await sigstore.record(dsseEntry2(statement, holder.der))];
  const timestamp = await sigstore.stamp(statement.signature);
  const common = { certificate: holder.der, entries, withoutPromise: true };
  await using on = await startSignedImage();
  on.referBundle(INDEX, bundleOf(statement, { ...common, timestamp }));
  const authority = await authorityOf(sigstore);
  const { verdict, signedAt } = await evidenceOf(on, [authority]);
  assert.ok(verdict === "valid" && signedAt !== undefined);

  await using without = await startSignedImage();
  without.referBundle(INDEX, bundleOf(statement, common));
  assert.deepEqual(await verdictOf(without, authority), ["broken", "SIGNATURE_TIME"]);

  await using wrong = await startSignedImage();
  const other = await sigstore.stamp(Buffer.from("another signature"));
  wrong.referBundle(INDEX, bundleOf(statement, { ...common, timestamp: other }));
  assert.deepEqual(await verdictOf(wrong, authority), ["broken", "SIGNATURE_TIME"]);

  await using foreign = await startSignedImage();
  const stamp = await (await startSigstore()).stamp(statement.signature);
  foreign.referBundle(INDEX, bundleOf(statement, { ...common, timestamp: stamp }));
  assert.deepEqual(await verdictOf(foreign, authority), ["broken", "SIGNATURE_TIME"]);
});

const others = [
  ["another identity", `${IDENTITY}x`, ISSUER],
  ["an identity that begins like the one in the certificate", IDENTITY.slice(0, -1), ISSUER],
  ["a pattern that fits the identity", ".*", ISSUER],
  ["another issuer", IDENTITY, "https://issuer.test.evil"],
] as const;
for (const [name, identity, issuer] of others) {
  test(`a good signature is by somebody else where ${name} is asked for`, async () => {
    await using on = await startSignedImage();
    const sigstore = await startSigstore();
    await signPayload(on, sigstore, await sigstore.certificate());
    const authority = await authorityOf(sigstore, identity, issuer);
    assert.deepEqual(await verdictOf(on, authority), ["unknown-signer", "SIGNATURE_IDENTITY"]);
  });
}

test("a name is not taken for one that differs in bytes past ASCII", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  // Without its highest bit, the last byte of its UTF-8 is a letter.
  const holder = await sigstore.certificate({
    identity: "https://ci.test/\u00e1",
    issuer: "https://a\u00e1",
  });
  await signPayload(on, sigstore, holder);
  const seen = Buffer.from("https://ci.test/\u00e1").toString("ascii");
  const issuer = Buffer.from("https://a\u00e1").toString("ascii");
  const authority = await authorityOf(sigstore, seen, issuer);
  assert.deepEqual(await verdictOf(on, authority), ["unknown-signer", "SIGNATURE_IDENTITY"]);
});

test("a certificate of an unknown authority makes an unknown signer", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const other = await startSigstore();
  await signPayload(on, other, await other.certificate());
  assert.deepEqual(await verdictOf(on, await authorityOf(sigstore)), [
    "unknown-signer",
    "SIGNATURE_SIGNER_UNKNOWN",
  ]);
});

test("a signature without a certificate is by nobody who could have been asked for", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(keyPair().privateKey, payload))]);
  assert.deepEqual(await verdictOf(on, await authorityOf(sigstore)), [
    "unknown-signer",
    "SIGNATURE_SIGNER_UNKNOWN",
  ]);
});

/** The same with another algorithm of its key, which nobody knows. */
function withoutKey(der: Buffer): Buffer {
  const hex = der.toString("hex").replace("06072a8648ce3d0201", "0607008648ce3d0201");
  assert.notEqual(hex, der.toString("hex"));
  return Buffer.from(hex, "hex");
}

test("a certificate whose key cannot be read is no certificate, wherever it stands", async () => {
  const sigstore = await startSigstore();
  const authority = await authorityOf(sigstore);
  const holder = await sigstore.certificate();
  const certificate = withoutKey(holder.der);
  const signature = signedBy(holder.privateKey, payload);

  await using tagged = await startSignedImage();
  tagged.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: pemOf(certificate) })]);
  assert.deepEqual(await verdictOf(tagged, authority), ["broken", "SIGNATURE_FORMAT"]);

  await using referred = await startSignedImage();
  referred.referBundle(INDEX, bundleOf(signStatement(INDEX, holder.privateKey), { certificate }));
  assert.deepEqual(await verdictOf(referred, authority), ["broken", "SIGNATURE_FORMAT"]);

  await using logged = await startSignedImage();
  const entry = await sigstore.record(hashedRekord(payload, signature, pemOf(certificate)));
  const named = layerOf(payload, signature, { certificate: holder.pem, entry });
  logged.tagSignatures(INDEX, [named]);
  assert.deepEqual(await verdictOf(logged, authority), ["broken", "SIGNATURE_LOG"]);

  await using chained = await startSignedImage();
  const ca = parseCertificates(sigstore.caPem, "ca.pem");
  const chain = pemOf(withoutKey(ca[0]?.raw ?? Buffer.alloc(0)));
  chained.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, chain })]);
  const others = parseCertificates((await startSigstore()).caPem, "ca.pem");
  const strangers = certificateAuthority({ roots: others }, { issuer: ISSUER });
  assert.deepEqual(await verdictOf(chained, strangers), [
    "unknown-signer",
    "SIGNATURE_SIGNER_UNKNOWN",
  ]);
});

test("another certificate of the same identity, put in the signer's place, is refused", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const [signer, swapped] = [await sigstore.certificate(), await sigstore.certificate()];
  const signature = signedBy(signer.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, signer.pem));
  const layer = layerOf(payload, signature, { certificate: swapped.pem, entry });
  on.tagSignatures(INDEX, [layer]);
  const authority = await authorityOf(sigstore);
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_INVALID"]);
});

test("an entry that names another certificate for the same key is refused", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const holder = await sigstore.certificate();
  const signature = signedBy(holder.privateKey, payload);
  const other = await sigstore.certificate({ identity: "https://ci.test/other" });
  const entry = await sigstore.record(hashedRekord(payload, signature, other.pem));
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, entry })]);
  const authority = await authorityOf(sigstore);
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_LOG"]);
});

test("an entry for another payload of the same certificate is refused", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const holder = await sigstore.certificate();
  const earlier = payloadFor(OTHER);
  const was = signedBy(holder.privateKey, earlier);
  const entry = await sigstore.record(hashedRekord(earlier, was, holder.pem));
  const signature = signedBy(holder.privateKey, payload);
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, entry })]);
  const authority = await authorityOf(sigstore);
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_LOG"]);
});

test("a certificate without an entry of a log proves nothing, be it valid today or not", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const holder = await sigstore.certificate();
  const signature = signedBy(holder.privateKey, payload);
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem })]);
  const authority = await authorityOf(sigstore);
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_LOG"]);
});

test("a certificate that had expired when the log took the entry is refused", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore({ loggedAt: new Date(Date.now() + 20 * MINUTE) });
  await signPayload(on, sigstore, await sigstore.certificate());
  const authority = await authorityOf(sigstore);
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_CERTIFICATE"]);
});

test("a certificate that no certificate log has seen is refused", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  await signPayload(on, sigstore, await sigstore.certificate());
  const elsewhere = { ...sigstore.root, ctlogs: (await startSigstore()).root["ctlogs"] };
  const rootBytes = Buffer.from(JSON.stringify(elsewhere));
  const authority = await authorityOf({ rootBytes });
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_CERTIFICATE"]);
});

test("a log whose service was over by then is not believed", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  await signPayload(on, sigstore, await sigstore.certificate());
  const text = sigstore.rootBytes.toString();
  const end = '"start":"2020-01-01T00:00:00Z","end":"2021-01-01T00:00:00Z"';
  const rootBytes = Buffer.from(text.replace('"start":"2020-01-01T00:00:00Z"', end));
  const authority = await authorityOf({ rootBytes });
  assert.deepEqual(await verdictOf(on, authority), ["broken", "SIGNATURE_LOG"]);
});

test("with authorities and logs alone, a certificate counts for its issuer and names", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  await signPayload(on, sigstore, await sigstore.certificate());
  const roots = parseCertificates(sigstore.caPem, "ca.pem");
  const logs = [sigstore.logKey];
  const authority = certificateAuthority({ roots }, { issuer: ISSUER }, logs);
  const later = Date.now() + 60 * MINUTE;
  const { verdict, signer, signedAt } = await evidenceOf(on, [authority], later);
  assert.deepEqual([verdict, signer?.identity, signer?.issuer], ["valid", IDENTITY, ISSUER]);
  assert.ok(signedAt !== undefined);
  for (const names of [
    { issuer: "https://other.test" },
    { email: IDENTITY },
    { host: "ci.test" },
  ]) {
    const other = certificateAuthority({ roots }, names, logs);
    assert.deepEqual(await verdictOf(on, other), ["unknown-signer", "SIGNATURE_IDENTITY"]);
  }
  const stranger = parseCertificates((await startSigstore()).caPem, "ca.pem");
  const unknown = certificateAuthority({ roots: stranger }, { issuer: ISSUER }, logs);
  assert.deepEqual(await verdictOf(on, unknown), ["unknown-signer", "SIGNATURE_SIGNER_UNKNOWN"]);
});

test("with authorities alone, a certificate must be valid now", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  await signPayload(on, sigstore, await sigstore.certificate());
  const roots = parseCertificates(sigstore.caPem, "ca.pem");
  const authority = certificateAuthority({ roots }, { issuer: ISSUER });
  assert.equal((await evidenceOf(on, [authority])).verdict, "valid");
  const { verdict, code } = await evidenceOf(on, [authority], Date.now() + 20 * MINUTE);
  assert.deepEqual([verdict, code], ["broken", "SIGNATURE_CERTIFICATE"]);
});

const roots: readonly (readonly [string, (text: string) => string])[] = [
  ["no JSON", (text) => text.slice(1)],
  ["of another media type", (text) => text.replace("trustedroot", "bundle")],
  [
    "that trusts nobody",
    () => '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
  ],
  [
    "with a certificate that is none",
    (text) => text.replace(/"rawBytes":"MIIB[^"]{100}/, '"rawBytes":"'),
  ],
  ["with a member twice", (text) => text.replace('"tlogs"', '"tlogs":[],"tlogs"')],
];
for (const [name, change] of roots) {
  test(`a trusted root ${name} is refused`, async () => {
    const { rootBytes } = await startSigstore();
    const changed = change(rootBytes.toString());
    assert.notEqual(changed, rootBytes.toString());
    await assert.rejects(readTrustedRoot(Buffer.from(changed), "root.json"), {
      code: "TRUSTED_ROOT_INVALID",
    });
  });
}
