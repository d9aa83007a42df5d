import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Authority, keyAuthority, verifyImage } from "../../src/cosign/index.ts";
import type { ImageEvidence } from "../../src/image/index.ts";
import { digestOf } from "../fixtures/registry/index.ts";
import { type KeyPair, keyPair, signedBy, startSigstore } from "./sigstore-fixture.ts";
import {
  bundleOf,
  dsseEntry,
  hashedRekord,
  INDEX,
  type Layer,
  layerOf,
  type LayerOptions,
  MANIFEST,
  NAME,
  never,
  OTHER,
  payloadFor,
  type SignedImage,
  signStatement,
  startSignedImage,
} from "./signed-image.ts";

const NOW = Date.UTC(2026, 0, 2);
const key = keyPair();
const stranger = keyPair();
const trusted = keyAuthority(key.trusted);

async function evidenceOf(
  on: SignedImage,
  authorities: readonly Authority[] = [trusted],
): Promise<readonly ImageEvidence[]> {
  const digests = { index: INDEX, manifest: MANIFEST };
  const options = { what: NAME, now: NOW };
  return await verifyImage(on.repository, digests, authorities, options, never);
}

function signedLayer(by: KeyPair, digest: string = INDEX, more: LayerOptions = {}): Layer {
  const payload = payloadFor(digest);
  return layerOf(payload, signedBy(by.privateKey, payload), more);
}

/** The verdict on the one signature that is there, and the code of what is wrong with it. */
async function verdictOf(
  on: SignedImage,
  authorities?: readonly Authority[],
): Promise<readonly [string, string | undefined]> {
  const [evidence, ...more] = await evidenceOf(on, authorities);
  assert.equal(more.length, 0);
  assert.ok(evidence !== undefined);
  return [evidence.verdict, evidence.code];
}

test("an image without signatures has no evidence, and four places were looked at", async () => {
  await using on = await startSignedImage();
  assert.deepEqual(await evidenceOf(on), []);
  assert.equal(on.registry.requests.length, 4);
});

for (const kind of ["P-256", "P-384", "P-521", "ed25519", "rsa"] as const) {
  test(`a payload signed with a key of ${kind} is valid, and says by whom and for what`, async () => {
    await using on = await startSignedImage();
    const signer = keyPair(kind);
    on.tagSignatures(INDEX, [signedLayer(signer)]);
    const authority = keyAuthority(signer.trusted);
    assert.deepEqual(await evidenceOf(on, [trusted, authority]), [
      {
        format: "simple-signing",
        verdict: "valid",
        signature: digestOf(payloadFor(INDEX)),
        image: INDEX,
        dockerReference: NAME,
        authorities: [authority.id],
        signer: { fingerprint: signer.trusted.fingerprint, keySource: `${kind}.pub` },
      },
    ]);
  });

  test(`a bundle signed with a key of ${kind} is valid, and says by whom and for what`, async () => {
    await using on = await startSignedImage();
    const signer = keyPair(kind);
    const hash = kind === "P-384" ? "sha384" : kind === "P-521" ? "sha512" : "sha256";
    const bundle = bundleOf(signStatement(MANIFEST, signer.privateKey, { name: NAME, hash }), {});
    on.referBundle(MANIFEST, bundle);
    const authority = keyAuthority(signer.trusted);
    assert.deepEqual(await evidenceOf(on, [trusted, authority]), [
      {
        format: "bundle",
        verdict: "valid",
        signature: digestOf(Buffer.from(JSON.stringify(bundle))),
        image: MANIFEST,
        dockerReference: NAME,
        authorities: [authority.id],
        signer: { fingerprint: signer.trusted.fingerprint, keySource: `${kind}.pub` },
      },
    ]);
  });
}

test("signatures of the index come before those of the manifest, and tags before bundles", async () => {
  await using on = await startSignedImage();
  on.tagSignatures(MANIFEST, [signedLayer(key, MANIFEST)]);
  on.tagSignatures(INDEX, [signedLayer(stranger), signedLayer(key)]);
  on.referBundle(INDEX, bundleOf(signStatement(INDEX, key.privateKey), {}));
  const evidence = await evidenceOf(on);
  assert.deepEqual(
    evidence.map(({ format, image, verdict }) => [format, image, verdict]),
    [
      ["simple-signing", INDEX, "unknown-signer"],
      ["simple-signing", INDEX, "valid"],
      ["bundle", INDEX, "valid"],
      ["simple-signing", MANIFEST, "valid"],
    ],
  );
});

test("bundles are found under the tag of the digest where the registry keeps no lists", async () => {
  await using on = await startSignedImage({ referrers: false });
  on.referBundle(INDEX, bundleOf(signStatement(INDEX, key.privateKey), {}));
  assert.deepEqual(await evidenceOf(on), []);
  const type = "application/vnd.oci.image.index.v1+json";
  const list = {
    schemaVersion: 2,
    mediaType: type,
    manifests: on.registry.referrersOf("team/app", INDEX),
  };
  const bytes = Buffer.from(JSON.stringify(list));
  on.registry.putManifest("team/app", bytes, type, INDEX.replace(":", "-"));
  assert.deepEqual(await verdictOf(on), ["valid", undefined]);
});

test("a signature by another key is by an unknown signer, whatever it is signed over", async () => {
  await using on = await startSignedImage();
  on.tagSignatures(INDEX, [signedLayer(stranger)]);
  assert.deepEqual(await verdictOf(on), ["unknown-signer", "SIGNATURE_SIGNER_UNKNOWN"]);
  assert.deepEqual(await verdictOf(on, []), ["unknown-signer", "SIGNATURE_SIGNER_UNKNOWN"]);
});

test("a bundle that names a trusted key and is not by it is broken", async () => {
  await using on = await startSignedImage();
  const spki = key.publicKey.export({ format: "der", type: "spki" });
  const keyHint = createHash("sha256").update(spki).digest("base64");
  on.referBundle(INDEX, bundleOf(signStatement(INDEX, stranger.privateKey), { keyHint }));
  assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_INVALID"]);
});

const otherImages = [
  ["the payload of another image, put under this one's tag", OTHER],
  ["the payload of its own manifest, put under the index's tag", MANIFEST],
  ["a payload that names no digest that is one", "sha256:abc"],
] as const;
for (const [name, digest] of otherImages) {
  test(`${name}, is broken however good its signature`, async () => {
    await using on = await startSignedImage();
    on.tagSignatures(INDEX, [signedLayer(key, digest)]);
    assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_DIGEST"]);
  });
}

test("the bundle of another image, listed for this one, is broken", async () => {
  await using on = await startSignedImage();
  on.referBundle(INDEX, bundleOf(signStatement(OTHER, key.privateKey), {}));
  assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_DIGEST"]);
});

test("a manifest that refers to another image counts for nothing in this one's list", async () => {
  await using on = await startSignedImage();
  const bundle = bundleOf(signStatement(INDEX, key.privateKey), {});
  on.referBundle(INDEX, bundle, { subject: OTHER });
  assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_FORMAT"]);
});

test("a payload that was changed after it was signed is by nobody who is known", async () => {
  await using on = await startSignedImage();
  const signature = signedBy(key.privateKey, payloadFor(OTHER));
  on.tagSignatures(INDEX, [layerOf(payloadFor(INDEX), signature)]);
  assert.deepEqual(await verdictOf(on), ["unknown-signer", "SIGNATURE_SIGNER_UNKNOWN"]);
});

test("a payload that is not the one that its manifest names is broken, and the others count", async () => {
  await using on = await startSignedImage();
  const layer = signedLayer(key);
  const other = layerOf(Buffer.concat([layer.payload, Buffer.from(" ")]), Buffer.from("x"));
  on.tagSignatures(INDEX, [layer, other]);
  const blob = `/v2/team/app/blobs/${digestOf(other.payload)}`;
  on.registry.addFault(blob, { bytes: Buffer.from(layer.payload) });
  assert.deepEqual(
    (await evidenceOf(on)).map(({ verdict, code }) => [verdict, code]),
    [
      ["valid", undefined],
      ["broken", "SIGNATURE_FORMAT"],
    ],
  );
});

const payloads: readonly (readonly [string, (text: string) => string])[] = [
  [
    "with a second digest",
    (text) => text.replace('"image":{', `"image":{"docker-manifest-digest":"${OTHER}",`),
  ],
  ["of another type", (text) => text.replace("cosign container", "atomic container")],
  ["with a member more in what counts", (text) => text.replace('"type"', '"Type":"x","type"')],
  ["without a digest", (text) => text.replace("docker-manifest-digest", "digest")],
  ["that is cut off", (text) => text.slice(0, -1)],
  ["that is no object", () => "[]"],
];
for (const [name, change] of payloads) {
  test(`a payload ${name} is broken, also where it is signed`, async () => {
    await using on = await startSignedImage();
    const payload = Buffer.from(change(payloadFor(INDEX).toString()));
    assert.notDeepEqual(payload, payloadFor(INDEX));
    on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
    assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_FORMAT"]);
  });
}

test("a payload larger than any is broken, and not fetched", async () => {
  await using on = await startSignedImage();
  const layer = signedLayer(key, INDEX, { size: 4 * 1024 * 1024 + 1 });
  on.tagSignatures(INDEX, [layer]);
  assert.deepEqual(await verdictOf(on), ["broken", "SIGNATURE_FORMAT"]);
  assert.deepEqual(
    on.registry.paths("GET").filter((path) => path.includes("/blobs/")),
    [],
  );
});

test("a hundred signatures are looked at, and an image with one more is refused", async () => {
  await using on = await startSignedImage();
  const strangers = Array.from({ length: 99 }, () => signedLayer(stranger));
  on.tagSignatures(INDEX, [...strangers, signedLayer(key)]);
  assert.equal((await evidenceOf(on)).at(-1)?.verdict, "valid");
  on.referBundle(MANIFEST, bundleOf(signStatement(MANIFEST, key.privateKey), {}));
  await assert.rejects(evidenceOf(on), { code: "SIGNATURE_LIMIT" });
});

for (const [place, inTags, inManifests, inLists] of [
  ["under the tags", 13, 0, 2],
  ["in manifests that refer to it", 0, 14, 0],
  ["in the lists of those", 2, 0, 13],
] as const) {
  test(`megabytes ${place} are no signatures, and too much to keep with an image`, async () => {
    await using on = await startSignedImage();
    const filler = "x".repeat(300_000);
    const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    // Beside both, for each answer by itself is small enough.
    for (const digest of [INDEX, MANIFEST]) {
      const layer = signedLayer(key, digest);
      const annotations = { ...layer.annotations, filler: filler.repeat(inTags) };
      on.tagSignatures(digest, [{ ...layer, annotations }]);
      for (let n = 0; n < inManifests + inLists; n += 1) {
        const manifest = JSON.stringify({ n, digest, ...(inManifests > 0 && { filler }) });
        const more = inLists > 0 ? { filler } : {};
        on.registry.putReferrer("team/app", digest, Buffer.from(manifest), type, more);
      }
    }
    await assert.rejects(evidenceOf(on), { code: "SIGNATURE_LIMIT" });
  });
}

test("attestations are no signatures, whether their referrer says so or not", async () => {
  await using on = await startSignedImage();
  const predicateType = "https://slsa.dev/provenance/v1";
  const bundle = bundleOf(signStatement(INDEX, key.privateKey, { predicateType }), {});
  on.referBundle(INDEX, bundle);
  on.referBundle(
    INDEX,
    { ...bundle, x: 1 },
    {
      annotations: { "dev.sigstore.bundle.predicateType": predicateType },
    },
  );
  assert.deepEqual(await evidenceOf(on), []);
  assert.equal(on.registry.paths("GET").filter((path) => path.includes("/blobs/")).length, 1);
});

test("a registry that refuses to say is not one without signatures", async () => {
  await using on = await startSignedImage();
  on.registry.addFault(`/v2/team/app/referrers/${MANIFEST}`, { status: 403 });
  await assert.rejects(evidenceOf(on), { code: "REGISTRY_DENIED" });
});

test("where a log is asked for, its entry proves when the payload was signed", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const payload = payloadFor(INDEX);
  const signature = signedBy(key.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, key.pem));
  on.tagSignatures(INDEX, [layerOf(payload, signature, { entry })]);
  const authority = keyAuthority(key.trusted, [stranger.trusted, sigstore.logKey]);
  const [evidence] = await evidenceOf(on, [trusted, authority]);
  assert.deepEqual(evidence?.authorities, [trusted.id, authority.id]);
  const [logged] = await evidenceOf(on, [authority]);
  assert.equal(logged?.signedAt, entry.integratedTime * 1000);
});

test("where a log is asked for, its entry proves when a bundle was signed", async () => {
  await using on = await startSignedImage();
  const sigstore = await startSigstore();
  const statement = signStatement(INDEX, key.privateKey);
  const entry = await sigstore.record(dsseEntry(statement, key.pem));
  on.referBundle(INDEX, bundleOf(statement, { entries: [entry] }));
  const [evidence] = await evidenceOf(on, [keyAuthority(key.trusted, [sigstore.logKey])]);
  assert.equal(evidence?.verdict, "valid");
  assert.equal(evidence.signedAt, entry.integratedTime * 1000);
});

/** Makes one layer with an entry of a log that is not its own. */
type Attack = (sigstore: Awaited<ReturnType<typeof startSigstore>>) => Promise<LayerOptions>;

const payload = payloadFor(INDEX);
const signature = signedBy(key.privateKey, payload);
const attacks: readonly (readonly [string, Attack])[] = [
  ["no entry of a log", () => Promise.resolve({})],
  [
    "an entry for another key",
    async ({ record }) => ({
      entry: await record(hashedRekord(payload, signature, stranger.pem)),
    }),
  ],
  [
    "an entry for another signature by the same key",
    async ({ record }) => {
      const other = signedBy(key.privateKey, payload);
      return { entry: await record(hashedRekord(payload, other, key.pem)) };
    },
  ],
  [
    "an entry for another payload",
    async ({ record }) => ({
      entry: await record(hashedRekord(payloadFor(OTHER), signature, key.pem)),
    }),
  ],
  [
    "an entry of another log",
    async () => {
      const other = await startSigstore();
      return { entry: await other.record(hashedRekord(payload, signature, key.pem)) };
    },
  ],
  [
    "an entry with another time than the log's",
    async ({ record }) => {
      const entry = await record(hashedRekord(payload, signature, key.pem));
      return { entry: { ...entry, integratedTime: entry.integratedTime - 1 } };
    },
  ],
  [
    "an entry with another index than the log's",
    async ({ record }) => {
      const entry = await record(hashedRekord(payload, signature, key.pem));
      return { entry: { ...entry, logIndex: entry.logIndex + 1 } };
    },
  ],
  [
    "an entry of an unknown kind",
    async ({ record }) => ({
      entry: await record({ ...hashedRekord(payload, signature, key.pem), kind: "rekord" }),
    }),
  ],
];
for (const [name, attack] of attacks) {
  test(`a signature by a trusted key with ${name} is broken where a log is asked for`, async () => {
    await using on = await startSignedImage();
    const sigstore = await startSigstore();
    on.tagSignatures(INDEX, [layerOf(payload, signature, await attack(sigstore))]);
    const authority = keyAuthority(key.trusted, [sigstore.logKey]);
    assert.deepEqual(await verdictOf(on, [authority]), ["broken", "SIGNATURE_LOG"]);
  });
}
