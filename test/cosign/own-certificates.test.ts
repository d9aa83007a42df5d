import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, test } from "node:test";
import { certificateNames } from "../../src/cosign/certificate-names.ts";
import { keylessAuthority, readTrustedRoot, verifyImage } from "../../src/cosign/index.ts";
import type { ImageEvidence } from "../../src/image/index.ts";
import { type OwnAuthority, startOwnAuthority } from "./own-authority.ts";
import { INDEX, layerOf, NAME, never, payloadFor, startSignedImage } from "./signed-image.ts";
import { signedBy, startSigstore } from "./sigstore-fixture.ts";

// What the services of the tests' Sigstore never write, by certificates that OpenSSL makes.

let authority: OwnAuthority;
before(async () => {
  authority = await startOwnAuthority();
});

const USER = "subjectAltName=otherName:1.3.6.1.4.1.57264.1.7;UTF8:user";
const ISSUER = "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://issuer.test";
/** The bytes of "https://old.test", bare. */
const OLD_ISSUER = `1.3.6.1.4.1.57264.1.1=DER:${Buffer.from("https://old.test").toString("hex")}`;
const nobody = { emails: [], hosts: [], uris: [], userNames: [], issuer: undefined };

const rows = [
  ["no extensions of names", "", nobody],
  [
    "several names",
    "subjectAltName=email:a@b.test,DNS:h.test,URI:https://u.test/x,email:c@d.test",
    { ...nobody, emails: ["a@b.test", "c@d.test"], hosts: ["h.test"], uris: ["https://u.test/x"] },
  ],
  ["a user name", USER, { ...nobody, userNames: ["user"] }],
  [
    "another name of a kind that nobody knows",
    "subjectAltName=otherName:1.3.6.1.4.1.57264.1.9;UTF8:user",
    nobody,
  ],
  ["an issuer", ISSUER, { ...nobody, issuer: "https://issuer.test" }],
  ["an issuer as it was written before", OLD_ISSUER, { ...nobody, issuer: "https://old.test" }],
  ["both", `${OLD_ISSUER}\n${ISSUER}`, { ...nobody, issuer: "https://issuer.test" }],
  [
    "an issuer of another type of text, and one as before",
    `${OLD_ISSUER}\n1.3.6.1.4.1.57264.1.8=ASN1:IA5String:https://issuer.test`,
    nobody,
  ],
] as const;
for (const [name, extensions, names] of rows) {
  test(`a certificate with ${name} is read so`, async () => {
    const { der } = await authority.certificate(extensions);
    assert.deepEqual(certificateNames(new X509Certificate(der)), names);
  });
}

/** What a Sigstore that gives certificates out by this authority makes of a payload signed with one. */
async function evidenceFor(usage: string): Promise<ImageEvidence | undefined> {
  await using on = await startSignedImage();
  const holder = await authority.certificate(`${USER}\n${ISSUER}`, usage);
  const { root } = await startSigstore();
  const chain = [authority.middlePem, authority.rootPem].map((pem) => ({
    rawBytes: new X509Certificate(pem).raw.toString("base64"),
  }));
  const certificateAuthorities = [{ certChain: { certificates: chain } }];
  const bytes = Buffer.from(JSON.stringify({ ...root, certificateAuthorities }));
  const trusted = await readTrustedRoot(bytes, "root.json");
  const signer = keylessAuthority(trusted, "user", "https://issuer.test");
  const payload = payloadFor(INDEX);
  const signature = signedBy(holder.privateKey, payload);
  on.tagSignatures(INDEX, [layerOf(payload, signature, { certificate: holder.pem })]);
  const options = { what: NAME, now: 0 };
  const digests = { manifest: INDEX };
  return (await verifyImage(on.repository, digests, [signer], options, never))[0];
}

test("a certificate for another use than to sign code is refused, whoever gave it out", async () => {
  const other = await evidenceFor("serverAuth,timeStamping");
  assert.deepEqual([other?.verdict, other?.code], ["broken", "SIGNATURE_CERTIFICATE"]);
  assert.match(other?.reason ?? "", /signing code/);
  // The right one comes as far as the log, which has not seen it.
  const right = await evidenceFor("codeSigning");
  assert.deepEqual([right?.verdict, right?.code], ["broken", "SIGNATURE_LOG"]);
});
