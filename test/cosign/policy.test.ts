import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  type AttachmentRules,
  demandedAuthorities,
  judgeDemand,
  parsePolicyJson,
  policyDemand,
  readAttachmentRules,
  verifyImage,
} from "../../src/cosign/index.ts";
import { type ImageEvidence, parseImageName } from "../../src/image/index.ts";
import { type OwnAuthority, startOwnAuthority } from "./own-authority.ts";
import { keyPair, signedBy, startSigstore } from "./sigstore-fixture.ts";
import {
  bundleOf,
  hashedRekord,
  INDEX,
  layerOf,
  MANIFEST,
  NAME,
  never,
  OTHER,
  payloadFor,
  type SignedImage,
  signStatement,
  startSignedImage,
} from "./signed-image.ts";

const key = keyPair();
const second = keyPair("ed25519");
const REPOSITORY = { type: "matchRepository" };

function dataOf(text: string): string {
  return Buffer.from(text).toString("base64");
}

function signedByKey(pem: string, more: object = { signedIdentity: REPOSITORY }): object {
  return { type: "sigstoreSigned", keyData: dataOf(pem), ...more };
}

/** Judges the image as `Trust` does. */
async function judge(
  on: SignedImage,
  requirements: readonly object[],
  asked = `${NAME}:1.0`,
  attachments?: AttachmentRules,
): Promise<readonly ImageEvidence[]> {
  const text = JSON.stringify({
    default: [{ type: "reject" }],
    transports: { docker: { [NAME]: requirements } },
  });
  const policy = parsePolicyJson(Buffer.from(text), "policy.json");
  const place = { transport: "docker", name: parseImageName(asked) } as const;
  const demand = await policyDemand({ policy, attachments }, place, readFile);
  const authorities = demandedAuthorities(demand);
  const digests = { index: INDEX, manifest: MANIFEST };
  const options = { what: asked, now: Date.now() };
  const evidence =
    authorities.length === 0
      ? []
      : await verifyImage(on.repository, digests, authorities, options, never);
  return judgeDemand(demand, asked, evidence);
}

function sign(
  on: SignedImage,
  ...signers: readonly { readonly by: typeof key; as?: string }[]
): void {
  on.tagSignatures(
    INDEX,
    signers.map(({ by, as = NAME }) => {
      const payload = payloadFor(INDEX, as);
      return layerOf(payload, signedBy(by.privateKey, payload));
    }),
  );
}

test("an image that a policy lets in as it is needs no signature, and none is looked for", async () => {
  await using on = await startSignedImage();
  assert.deepEqual(await judge(on, [{ type: "insecureAcceptAnything" }]), []);
  assert.deepEqual(on.registry.requests, []);
});

test("an image that a policy rejects is refused, however it is signed", async () => {
  await using on = await startSignedImage();
  sign(on, { by: key });
  await assert.rejects(judge(on, [{ type: "reject" }]), { code: "POLICY_REJECTS" });
  const both = [signedByKey(key.pem), { type: "reject" }];
  await assert.rejects(judge(on, both), { code: "POLICY_REJECTS" });
});

test("a policy that asks for a signature which nobody here can check refuses", async () => {
  await using on = await startSignedImage();
  const older = { type: "signedBy", keyType: "GPGKeys", keyPath: "/nowhere" };
  await assert.rejects(judge(on, [older]), { code: "POLICY_SIGNED_BY" });
});

test("an image without a signature is refused where one is asked for", async () => {
  await using on = await startSignedImage();
  await assert.rejects(judge(on, [signedByKey(key.pem)]), { code: "SIGNATURE_NONE" });
});

test("a name without a scope of its own goes by the default", async () => {
  await using on = await startSignedImage();
  const elsewhere = judge(on, [{ type: "insecureAcceptAnything" }], "reg.test/other:1");
  await assert.rejects(elsewhere, { code: "POLICY_REJECTS" });
});

test("signatures are looked for only where registries.d says that there are some", async () => {
  await using on = await startSignedImage();
  sign(on, { by: key });
  const rulesOf = (flag: boolean): AttachmentRules => {
    const value = { docker: { "reg.test": { "use-sigstore-attachments": flag } } };
    return readAttachmentRules([{ source: "a.yaml", value }]);
  };
  const list = [signedByKey(key.pem)];
  await assert.rejects(judge(on, list, `${NAME}:1.0`, rulesOf(false)), {
    code: "SIGNATURE_NONE",
    message: /use-sigstore-attachments/,
  });
  assert.deepEqual(on.registry.requests, []);
  assert.equal((await judge(on, list, `${NAME}:1.0`, rulesOf(true))).length, 1);
});

test("an image signed by a key of the policy is accepted for that signature", async () => {
  await using on = await startSignedImage();
  sign(on, { by: second }, { by: key });
  const [accepted, ...more] = await judge(on, [signedByKey(key.pem)]);
  assert.deepEqual(more, []);
  assert.equal(accepted?.signer?.fingerprint, key.trusted.fingerprint);
});

test("an image signed by another key is refused, and one for another image", async () => {
  await using on = await startSignedImage();
  sign(on, { by: second });
  await assert.rejects(judge(on, [signedByKey(key.pem)]), { code: "SIGNATURE_SIGNER_UNKNOWN" });
  const payload = payloadFor(OTHER);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
  await assert.rejects(judge(on, [signedByKey(key.pem)]), { code: "SIGNATURE_DIGEST" });
});

test("each requirement of a list must hold, and each may hold by another signature", async () => {
  await using on = await startSignedImage();
  const both = [signedByKey(key.pem), signedByKey(second.pem)];
  sign(on, { by: key });
  await assert.rejects(judge(on, both), { code: "SIGNATURE_SIGNER_UNKNOWN" });
  sign(on, { by: key }, { by: second });
  assert.equal((await judge(on, both)).length, 2);
});

test("of several keys in one requirement any will do", async () => {
  await using on = await startSignedImage();
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-policy-"));
  const keyPaths = ["a.pub", "b.pub"].map((name) => join(directory.path, name));
  await writeFile(keyPaths[0] ?? "", key.pem);
  await writeFile(keyPaths[1] ?? "", second.pem);
  sign(on, { by: second });
  const requirement = { type: "sigstoreSigned", keyPaths, signedIdentity: REPOSITORY };
  const [accepted] = await judge(on, [requirement]);
  assert.equal(accepted?.signer?.keySource, keyPaths[1]);
});

test("by default the name in the signature must be the one that is asked for", async () => {
  await using on = await startSignedImage();
  const exact = [signedByKey(key.pem, {})];
  sign(on, { by: key });
  await assert.rejects(judge(on, exact), { code: "SIGNATURE_REFERENCE" });
  assert.equal((await judge(on, exact, `${NAME}@${INDEX}`)).length, 1);
  sign(on, { by: key, as: `${NAME}:1.0` });
  assert.equal((await judge(on, exact)).length, 1);
  sign(on, { by: key, as: "reg.test/other/app:1.0" });
  await assert.rejects(judge(on, exact), { code: "SIGNATURE_REFERENCE" });
});

test("a bundle that names no image fits no name, and one that does fits its own", async () => {
  await using on = await startSignedImage();
  on.referBundle(INDEX, bundleOf(signStatement(INDEX, key.privateKey), {}));
  await assert.rejects(judge(on, [signedByKey(key.pem)]), { code: "SIGNATURE_REFERENCE" });
  on.referBundle(INDEX, bundleOf(signStatement(INDEX, key.privateKey, { name: NAME }), {}));
  assert.equal((await judge(on, [signedByKey(key.pem)])).length, 1);
});

test("where the policy names a log, it must have seen the signature", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const rekor = sigstore.logKey.key.export({ format: "pem", type: "spki" }).toString();
  const more = { rekorPublicKeyData: dataOf(rekor), signedIdentity: REPOSITORY };
  sign(on, { by: key });
  await assert.rejects(judge(on, [signedByKey(key.pem, more)]), { code: "SIGNATURE_LOG" });
  const payload = payloadFor(INDEX);
  const signature = signedBy(key.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, key.pem));
  on.tagSignatures(INDEX, [layerOf(payload, signature, { entry })]);
  const [accepted] = await judge(on, [signedByKey(key.pem, more)]);
  assert.equal(accepted?.signedAt, entry.integratedTime * 1000);
});

const missing: readonly (readonly [string, object, string])[] = [
  ["a key that is not there", { keyPath: "/nowhere/key.pub" }, "POLICY_INVALID"],
  ["a key that is a directory", { keyPath: "/" }, "POLICY_INVALID"],
  ["a key that is none", { keyData: dataOf("no key") }, "KEY_UNREADABLE"],
  [
    "roots that are none",
    { pki: { caRootsData: dataOf("x"), subjectEmail: "a@b.test" } },
    "POLICY_INVALID",
  ],
];
for (const [name, fields, code] of missing) {
  test(`a policy with ${name} refuses before anything is asked`, async () => {
    await using on = await startSignedImage();
    await assert.rejects(judge(on, [{ type: "sigstoreSigned", ...fields }]), { code });
    assert.deepEqual(on.registry.requests, []);
  });
}

// What Fulcio writes, in the form of OpenSSL's extension files.
const ISSUER = "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://issuer.test";

async function signWith(
  on: SignedImage,
  authority: OwnAuthority,
  extensions: string,
): Promise<void> {
  const holder = await authority.certificate(extensions);
  const payload = payloadFor(INDEX);
  const signature = signedBy(holder.privateKey, payload);
  const { pem: certificate } = holder;
  on.tagSignatures(INDEX, [
    layerOf(payload, signature, { certificate, chain: authority.middlePem }),
  ]);
}

test("a certificate of an authority that the policy names counts for its mail address and host", async () => {
  await using on = await startSignedImage();
  const authority = await startOwnAuthority();
  await signWith(on, authority, "subjectAltName=email:a@b.test,DNS:h.test");
  const caRootsData = dataOf(authority.rootPem);
  const accepts = async (more: object): Promise<readonly ImageEvidence[]> => {
    const pki = { caRootsData, ...more };
    return await judge(on, [{ type: "sigstoreSigned", pki, signedIdentity: REPOSITORY }]);
  };
  assert.equal((await accepts({ subjectEmail: "a@b.test" }))[0]?.signer?.identity, "a@b.test");
  const caIntermediatesData = dataOf(authority.middlePem);
  const both = { subjectEmail: "a@b.test", subjectHostname: "h.test", caIntermediatesData };
  assert.equal((await accepts(both)).length, 1);
  for (const names of [
    { subjectEmail: "A@b.test" },
    { subjectEmail: "h.test" },
    { subjectHostname: "a@b.test" },
    { subjectEmail: "a@b.test", subjectHostname: "i.test" },
  ]) {
    await assert.rejects(accepts(names), { code: "SIGNATURE_IDENTITY" });
  }
});

test("a certificate that is not for signing code counts for nobody", async () => {
  await using on = await startSignedImage();
  const authority = await startOwnAuthority();
  const holder = await authority.certificate("subjectAltName=email:a@b.test", "serverAuth");
  const payload = payloadFor(INDEX);
  const signature = signedBy(holder.privateKey, payload);
  const { pem: certificate } = holder;
  on.tagSignatures(INDEX, [
    layerOf(payload, signature, { certificate, chain: authority.middlePem }),
  ]);
  const pki = { caRootsData: dataOf(authority.rootPem), subjectEmail: "a@b.test" };
  const requirement = { type: "sigstoreSigned", pki, signedIdentity: REPOSITORY };
  await assert.rejects(judge(on, [requirement]), { code: "SIGNATURE_SIGNER_UNKNOWN" });
});

test("fulcio in a policy: the issuer and the mail address, at the time that the log proves", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const authority = await startOwnAuthority();
  const holder = await authority.certificate(`subjectAltName=email:a@b.test\n${ISSUER}`);
  const payload = payloadFor(INDEX);
  const signature = signedBy(holder.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, holder.pem));
  const chain = authority.middlePem;
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, chain, entry })]);
  const rekor = sigstore.logKey.key.export({ format: "pem", type: "spki" }).toString();
  const accepts = async (oidcIssuer: string, subjectEmail: string): Promise<number> => {
    const fulcio = { caData: dataOf(authority.rootPem), oidcIssuer, subjectEmail };
    const rekorPublicKeyData = dataOf(rekor);
    const fields = { fulcio, rekorPublicKeyData, signedIdentity: REPOSITORY };
    return (await judge(on, [{ type: "sigstoreSigned", ...fields }])).length;
  };
  assert.equal(await accepts("https://issuer.test", "a@b.test"), 1);
  const refused = { code: "SIGNATURE_IDENTITY" };
  await assert.rejects(accepts("https://other.test", "a@b.test"), refused);
  await assert.rejects(accepts("https://issuer.test", "b@b.test"), refused);
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem, chain })]);
  await assert.rejects(accepts("https://issuer.test", "a@b.test"), { code: "SIGNATURE_LOG" });
});
