import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { SignatureEvidence } from "../image/index.ts";
import type { KeyRing } from "./key-ring.ts";
import { addSignature, makeSif, metadataText, NOW, type Gpg } from "./signing-fixture.ts";
import { evidenceOf, oneEvidenceOf, startSigner } from "./verify-fixture.ts";

// Who signed, with which key and hash, and whether that counts.

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

for (const algorithm of ["ed25519", "rsa3072", "nistp256", "nistp384", "nistp521"]) {
  test(`what GnuPG signs with a key of ${algorithm} is valid, and says by whom and when`, async () => {
    const name = `Key <${algorithm}@example.test>`;
    const key = await gpg.makeKey(name, algorithm);
    const file = makeSif();
    const text = await gpg.clearSign(await metadataText(file, 1), key);
    const signed = await addSignature(file, { text, fingerprint: key });
    const { signedAt = 0, ...evidence } = await checkOne(signed, [await gpg.ring(key)]);
    assert.deepEqual(evidence, {
      format: "openpgp",
      verdict: "valid",
      object: 4,
      signer: { fingerprint: key, name, keySource: `${gpg.home}/pubring` },
      covers: { group: 1, objects: [1, 2, 3], missing: [], primary: true },
    });
    assert.ok(Math.abs(signedAt - NOW) < 600_000);
  });
}

for (const algorithm of ["brainpoolP256r1", "dsa2048", "rsa1024", "secp256k1"]) {
  test(`a key of ${algorithm} proves nothing`, async () => {
    const key = await gpg.makeKey(`Rare <${algorithm}@example.test>`, algorithm);
    const file = makeSif();
    const text = await gpg.clearSign(await metadataText(file, 1), key);
    const signed = await addSignature(file, { text, fingerprint: key });
    const rings = [await gpg.ring(key)];
    const evidence = await checkOne(signed, rings);
    assert.deepEqual(
      [evidence.verdict, evidence.code, evidence.signer?.fingerprint],
      ["unknown-signer", "SIGNATURE_KEY_UNUSABLE", key],
    );
    signed[32_768] = 1;
    assert.equal((await checkOne(signed, rings)).code, "SIGNATURE_DATA");
  });
}

for (const hash of ["SHA224", "SHA256", "SHA384", "SHA512"]) {
  test(`a signature over ${hash} counts`, async () => {
    const file = makeSif();
    const key = await gpg.makeKey(`Strong ${hash} <strong@example.test>`, "rsa2048");
    const text = await gpg.clearSign(await metadataText(file, 1), key, "--digest-algo", hash);
    assert.match(text, new RegExp(`^Hash: ${hash}$`, "m"));
    const signed = await addSignature(file, { text, fingerprint: key });
    assert.equal((await checkOne(signed, [await gpg.ring(key)])).verdict, "valid");
  });
}

for (const hash of ["SHA1", "RIPEMD160", "MD5"]) {
  test(`CVE-2022-39237: a signature over ${hash} is broken`, async () => {
    const rsa = await gpg.makeKey(`Weak ${hash} <weak@example.test>`, "rsa2048");
    const file = makeSif();
    const weak = ["--digest-algo", hash, "--allow-weak-digest-algos"];
    const text = await gpg.clearSign(await metadataText(file, 1), rsa, ...weak);
    const signed = await addSignature(file, { text, fingerprint: rsa });
    const { verdict, code } = await checkOne(signed, [await gpg.ring(rsa)]);
    assert.deepEqual([verdict, code], ["broken", "SIGNATURE_WEAK_HASH"]);
  });
}

test("CVE-2020-13846: the fingerprint in the record must be the signer's", async () => {
  const mallory = await gpg.makeKey("Mallory <mallory@example.test>");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), mallory);
  const rings = [await gpg.ring(alice, mallory)];
  for (const fingerprint of [alice, ""]) {
    const evidence = await checkOne(await addSignature(file, { text, fingerprint }), rings);
    assert.deepEqual([evidence.verdict, evidence.code], ["broken", "SIGNATURE_FINGERPRINT"]);
    assert.equal(evidence.signer?.fingerprint, mallory);
  }
});

test("of two signatures one by a stranger stays unknown, and the other valid", async () => {
  const stranger = await gpg.makeKey("Stranger <stranger@example.test>");
  const file = makeSif();
  const text = await metadataText(file, 1);
  const both = await addSignature(
    await addSignature(file, { text: await gpg.clearSign(text, alice), fingerprint: alice }),
    { text: await gpg.clearSign(text, stranger), fingerprint: stranger },
  );
  const found = await evidenceOf(both, [ring]);
  assert.deepEqual(
    found.map(({ verdict, signer }) => [verdict, signer?.fingerprint]),
    [
      ["valid", alice],
      ["unknown-signer", stranger],
    ],
  );
});

test("of one text that two keys signed the one that is known counts", async () => {
  const other = await gpg.makeKey("Other <other@example.test>");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), other, "-u", alice);
  const signed = await addSignature(file, { text, fingerprint: alice });
  const evidence = await checkOne(signed);
  assert.deepEqual([evidence.verdict, evidence.signer?.fingerprint], ["valid", alice]);
});

test("a subkey signs for its primary key", async () => {
  const key = await gpg.makeKey("Sub <sub@example.test>", "ed25519", "cert");
  await gpg.run("--quick-add-key", key, "ed25519", "sign");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), key);
  const signed = await addSignature(file, { text, fingerprint: key });
  const evidence = await checkOne(signed, [await gpg.ring(key)]);
  assert.deepEqual([evidence.verdict, evidence.signer?.fingerprint], ["valid", key]);
});

test("a key that has expired is as good as unknown, whatever it signed before", async () => {
  const key = await gpg.makeKey("Old <old@example.test>", "ed25519", "sign", "2d");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), key);
  const signed = await addSignature(file, { text, fingerprint: key });
  const rings = [await gpg.ring(key)];
  assert.equal((await checkOne(signed, rings)).verdict, "valid");
  const evidence = await checkOne(signed, rings, { now: NOW + 3 * 86_400_000 });
  assert.deepEqual([evidence.verdict, evidence.code], ["unknown-signer", "SIGNATURE_KEY_EXPIRED"]);
  assert.equal(evidence.signer?.fingerprint, key);
});

test("a signature that has expired is as good as a stranger's", async () => {
  const file = makeSif();
  const text = await gpg.clearSign(
    await metadataText(file, 1),
    alice,
    "--default-sig-expire",
    "1d",
  );
  const signed = await addSignature(file, { text, fingerprint: alice });
  assert.equal((await checkOne(signed)).verdict, "valid");
  const evidence = await checkOne(signed, [ring], { now: NOW + 2 * 86_400_000 });
  assert.deepEqual([evidence.verdict, evidence.code], ["unknown-signer", "SIGNATURE_EXPIRED"]);
});

test("a key that was revoked breaks what it signed", async () => {
  const key = await gpg.makeKey("Gone <gone@example.test>");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), key);
  const signed = await addSignature(file, { text, fingerprint: key });
  assert.equal((await checkOne(signed, [await gpg.ring(key)])).verdict, "valid");
  await gpg.revoke(key);
  const evidence = await checkOne(signed, [await gpg.ring(key)]);
  assert.deepEqual([evidence.verdict, evidence.code], ["broken", "SIGNATURE_KEY_REVOKED"]);
});

test("a critical notation that nobody knows breaks a signature, another one does not", async () => {
  const file = makeSif();
  const text = await metadataText(file, 1);
  const signed = async (notation: string): Promise<SignatureEvidence> => {
    const by = await gpg.clearSign(text, alice, "--sig-notation", notation);
    return await checkOne(await addSignature(file, { text: by, fingerprint: alice }));
  };
  assert.equal((await signed("a@example.test=b")).verdict, "valid");
  assert.equal((await signed("!a@example.test=b")).code, "SIGNATURE_INVALID");
});
