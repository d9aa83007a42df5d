import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TrustedSigner, TrustRule } from "../../src/config/index.ts";
import { keptBeside } from "../../src/cosign/index.ts";
import { pullToFile, pullToStore } from "../../src/pull/index.ts";
import type { StoredImage } from "../../src/store/index.ts";
import type { Trust } from "../../src/trust/index.ts";
import {
  hashedRekord,
  INDEX,
  layerOf,
  MANIFEST,
  never,
  OTHER,
  payloadFor,
  REPOSITORY,
  SIGNED,
  type SignedImage,
} from "../cosign/signed-image.ts";
import { IDENTITY, ISSUER, signedBy, startSigstore } from "../cosign/sigstore-fixture.ts";
import { leftovers, setUpPull } from "../fixtures/pull-setup.ts";
import { digestOf } from "../fixtures/registry/index.ts";
import { policyFile, release, required, second, setUp, sign, trusting } from "./signed-pull.ts";

/** Paths that were read. */
function asked(on: SignedImage, pattern: RegExp): readonly string[] {
  const gets = on.registry.requests.filter(({ method }) => method === "GET");
  return gets.map(({ path }) => path).filter((path) => pattern.test(path));
}

const BLOB = /\/blobs\//;
const SIGNATURES = /\.sig$|\/referrers\//;

test("required of a key: an image is refused until its index or its manifest is signed by it", async (t) => {
  const { on, store: make, signer, pull, reference } = await setUp(t);
  const rule = required(await signer("release.pub", release.pem));
  const store = await make();
  await assert.rejects(pull(store, trusting({ rule })), {
    code: "TRUST_REQUIRED",
    message: /asks for signatures of 1 of 1 signers, and nobody signed it/,
  });
  sign(on, INDEX, second);
  await assert.rejects(pull(store, trusting({ rule })), { code: "TRUST_REQUIRED" });
  assert.deepEqual(await leftovers(store), []);
  // The configuration and the other's signature, and no layer.
  assert.equal(asked(on, BLOB).length, 3);
  sign(on, INDEX, second, release);
  const { names } = await pull(store, trusting({ rule }));
  assert.deepEqual(names.tags, [reference]);
  on.tagSignatures(INDEX, []);
  sign(on, MANIFEST, release);
  assert.equal((await pull(await make("another"), trusting({ rule }))).origin, "layers");
});

test("what was signed is judged again without the registry, also by a policy that was changed", async (t) => {
  const { on, store: make, signer, pull, reference } = await setUp(t);
  const [first, other] = [
    await signer("release.pub", release.pem),
    await signer("second.pub", second.pem),
  ];
  sign(on, INDEX, release);
  const store = await make();
  const { id, names } = await pull(store, trusting({ rule: required(first) }));
  await on.registry.close();
  const judged = {
    what: reference,
    names: [...names.tags, ...names.digests],
    from: reference,
    beside: keptBeside(await store.evidence.keptSignatures(id)),
  };
  const again = await trusting({ rule: required(first) }).report(judged, never);
  assert.deepEqual(
    again.judgements.map(({ isAccepted, trusted }) => [isAccepted, trusted]),
    [
      [true, [release.trusted.fingerprint]],
      [true, [release.trusted.fingerprint]],
    ],
  );
  const changed = await trusting({ rule: required(other) }).report(judged, never);
  assert.deepEqual(
    changed.judgements.map(({ code }) => code),
    ["TRUST_REQUIRED", "TRUST_REQUIRED"],
  );
  const both = { ...required(first, other), atLeast: 2 };
  await assert.rejects(trusting({ rule: both }).require(judged, never), { code: "TRUST_REQUIRED" });
});

test("what nobody looked for when it was pulled is not accepted later", async (t) => {
  const { on, store: make, signer, pull, reference } = await setUp(t);
  sign(on, INDEX, release);
  const store = await make();
  const { id } = await pull(store, trusting({}));
  assert.deepEqual(asked(on, SIGNATURES), []);
  const beside = keptBeside(await store.evidence.keptSignatures(id));
  const judged = { what: reference, names: [reference], from: reference, beside };
  const rule = required(await signer("release.pub", release.pem));
  await assert.rejects(trusting({ rule }).require(judged, never), {
    code: "TRUST_REQUIRED",
    message: /none was looked for in a registry/,
  });
  // A pull does look, and needs no layer for it.
  const before = asked(on, BLOB).length;
  await pull(store, trusting({ rule }));
  const kept = keptBeside(await store.evidence.keptSignatures(id));
  await trusting({ rule }).require({ ...judged, beside: kept }, never);
  assert.equal(asked(on, BLOB).length - before, 2, "the configuration and the signature");
});

test("a broken signature refuses where its signer is trusted, though nothing must be signed", async (t) => {
  const { on, store: make, signer, pull } = await setUp(t);
  const rule: TrustRule = {
    ...required(await signer("release.pub", release.pem)),
    mode: "if-signed",
  };
  const payload = payloadFor(OTHER);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(release.privateKey, payload))]);
  const store = await make();
  await assert.rejects(pull(store, trusting({ rule })), {
    name: "CosignError",
    code: "SIGNATURE_DIGEST",
  });
  assert.deepEqual(await leftovers(store), []);
  sign(on, INDEX, second);
  await pull(store, trusting({ rule }));
  on.tagSignatures(INDEX, []);
  await pull(await make("unsigned"), trusting({ rule }));
});

test("a certificate of Sigstore's counts for its identity and issuer, and beside a key as another signer", async (t) => {
  const { on, store: make, signer, pull, directory } = await setUp(t);
  const sigstore = await startSigstore();
  const root = join(directory, "trusted_root.json");
  await writeFile(root, sigstore.rootBytes);
  const keyless = (identity: string): TrustedSigner => ({
    kind: "keyless",
    identity,
    issuer: ISSUER,
    root,
  });
  const payload = payloadFor(INDEX);
  const holder = await sigstore.certificate();
  const signature = signedBy(holder.privateKey, payload);
  const entry = await sigstore.record(hashedRekord(payload, signature, holder.pem));
  on.tagSignatures(INDEX, [
    layerOf(payload, signature, { certificate: holder.pem, entry }),
    layerOf(payload, signedBy(release.privateKey, payload)),
  ]);
  const key = await signer("release.pub", release.pem);
  const store = await make();
  for (const [rule, code] of [
    [required(keyless("somebody@else.test")), "TRUST_REQUIRED"],
    [{ ...required(keyless(IDENTITY)), atLeast: 2 }, "TRUST_REQUIRED"],
  ] as const) {
    await assert.rejects(pull(store, trusting({ rule })), { code });
  }
  await pull(store, trusting({ rule: { ...required(keyless(IDENTITY), key), atLeast: 2 } }));
  await writeFile(root, "{}");
  await assert.rejects(pull(await make("b"), trusting({ rule: required(keyless(IDENTITY)) })), {
    code: "TRUSTED_ROOT_INVALID",
  });
});

test("signed under one name and unsigned under another: refused there, and not listed", async (t) => {
  const { on, store: make, signer, pull, reference } = await setUp(t);
  sign(on, INDEX, release);
  const copy = `${on.registry.host}/copies/app:1.0`;
  on.registry.putIndex("copies/app", SIGNED, "1.0");
  const rule = required(await signer("release.pub", release.pem));
  const store = await make();
  const { id } = await pull(store, trusting({ rule }));
  await assert.rejects(pull(store, trusting({ rule }), copy), { code: "TRUST_REQUIRED" });
  assert.deepEqual((await store.findById(id))?.names.tags, [reference]);
  const names = { [`${on.registry.host}/copies/*`]: { mode: "if-signed" } as const };
  await pull(store, trusting({ rule, names }), copy);
  assert.deepEqual((await store.findById(id))?.names.tags.toSorted(), [copy, reference].toSorted());
});

test("a copy of another store is judged by what lies beside it in its registry", async (t) => {
  const { on, store: make, signer, context, options, reference } = await setUp(t);
  const other = await make("other");
  await pullToStore(other, reference, context, options(), never);
  const store = await make();
  const rule = required(await signer("release.pub", release.pem));
  const pull = async (): Promise<StoredImage> => {
    const more = { trust: trusting({ rule }), otherStores: [other] };
    return await pullToStore(store, reference, { ...context, ...more }, options(), never);
  };
  await assert.rejects(pull(), { code: "TRUST_REQUIRED" });
  assert.deepEqual(await leftovers(store), []);
  sign(on, INDEX, release);
  const { id } = await pull();
  assert.deepEqual([...(await store.evidence.keptSignatures(id)).keys()].length, 2);
});

test("a SIF file in a registry counts as signed by a signature of its manifest", async (t) => {
  const { on, store: make, signer, pull } = await setUp(t);
  const { context, options, directory } = await setUpPull(t);
  const path = join(directory, "app.sif");
  const how = { ...options(), force: false };
  const from = `${on.registry.host}/${REPOSITORY}:1.0`;
  await pullToFile(directory, () => path, from, context, how, never);
  const bytes = await readFile(path);
  on.registry.putBlob(Buffer.from("{}"));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: "application/vnd.sylabs.sif.config.v1+json",
        digest: digestOf(Buffer.from("{}")),
        size: 2,
      },
      layers: [
        {
          mediaType: "application/vnd.sylabs.sif.layer.v1.sif",
          digest: on.registry.putBlob(bytes),
          size: bytes.length,
        },
      ],
    }),
  );
  on.registry.putManifest(REPOSITORY, manifest, mediaType, "sif");
  const rule = required(await signer("release.pub", release.pem));
  const store = await make();
  const reference = `${on.registry.host}/${REPOSITORY}:sif`;
  await assert.rejects(pull(store, trusting({ rule }), reference), { code: "TRUST_REQUIRED" });
  sign(on, digestOf(manifest), release);
  const image = await pull(store, trusting({ rule }), reference);
  assert.equal(image.origin, "sif");
  // And once more, with the file in the store.
  await pull(store, trusting({ rule }), reference);
});

test("a pull to a file is judged the same", async (t) => {
  const { on, signer, context, options, directory, reference } = await setUp(t);
  const rule = required(await signer("release.pub", release.pem));
  const trust = trusting({ rule });
  const how = { ...options(), force: false };
  const path = join(directory, "app.sif");
  const pull = async (): ReturnType<typeof pullToFile> =>
    await pullToFile(directory, () => path, reference, { ...context, trust }, how, never);
  await assert.rejects(pull(), { code: "TRUST_REQUIRED" });
  sign(on, INDEX, release);
  const { kept, names } = await pull();
  assert.deepEqual([...kept.keys()], [...names.tags, ...names.digests]);
});

test("an image without signers of its own asks the registry for no signature", async (t) => {
  const { on, store: make, pull } = await setUp(t);
  const names = { "elsewhere.test/*": required({ kind: "openpgp", fingerprint: "a".repeat(40) }) };
  await pull(await make(), trusting({ names }));
  assert.deepEqual(asked(on, SIGNATURES), []);
});

function signedBySecond(): object {
  const keyData = Buffer.from(second.pem).toString("base64");
  return { type: "sigstoreSigned", keyData, signedIdentity: { type: "matchRepository" } };
}

test("a policy.json must accept an image, too: by the list of the most specific scope", async (t) => {
  const setup = await setUp(t);
  const { on, store: make, pull, reference } = setup;
  const repository = `${on.registry.host}/${REPOSITORY}`;
  const policy = async (scopes: object): Promise<Trust> =>
    trusting({}, await policyFile(setup, { default: [{ type: "reject" }], transports: scopes }));
  const store = await make();
  await assert.rejects(pull(store, await policy({})), {
    name: "CosignError",
    code: "POLICY_REJECTS",
    message: new RegExp(`^${reference}: `),
  });
  const open = [{ type: "insecureAcceptAnything" }];
  const asks = await policy({ docker: { "": open, [repository]: [signedBySecond()] } });
  await assert.rejects(pull(store, asks), { code: "SIGNATURE_NONE" });
  assert.deepEqual(await leftovers(store), []);
  const payload = payloadFor(INDEX, repository);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(second.privateKey, payload))]);
  await pull(store, asks);
  // The tag is what is asked for: what else the policy says of its repository does not matter.
  const trust = await policy({ docker: { [repository]: [{ type: "reject" }], [reference]: open } });
  const { judgements } = await trust.report(
    { what: reference, names: [reference, `${repository}@${INDEX}`], from: reference },
    never,
  );
  assert.deepEqual(
    judgements.map(({ where, isAccepted }) => [where.replace(/^.*policy/, "policy"), isAccepted]),
    [
      ["trust", true],
      ["trust", true],
      [`policy.json: transports.docker[${JSON.stringify(reference)}]`, true],
    ],
  );
});

const places: readonly (readonly [string, string, string])[] = [
  ["oci-archive:/srv/a.tar:app", "oci-archive", "/srv"],
  ["docker-archive:/srv/a.tar", "docker-archive", "/srv/a.tar"],
  ["oci:/srv/layout", "oci", "/srv/layout"],
  ["/srv/a.sif", "sif", "/srv"],
  ["local.file/srv/a.sif", "sif", "/srv/a.sif"],
  ["library://lib.test/e/c/n:1", "library", "lib.test/e/c"],
  ["library://e/c/n:1", "library", "cloud.sylabs.io/e"],
];
for (const [from, transport, scope] of places) {
  test(`a policy.json knows ${from} as ${transport}, below ${scope}`, async (t) => {
    const setup = await setUp(t);
    const open = [{ type: "insecureAcceptAnything" }];
    const judged = { what: from, names: ["reg.test/app:1"], from };
    for (const [scopes, code] of [
      [{ [transport]: { [scope]: open } }, undefined],
      [{ docker: { "": open } }, "POLICY_REJECTS"],
      [{ [transport]: { [scope]: [signedBySecond()] } }, "SIGNATURE_NONE"],
    ] as const) {
      const policy = { default: [{ type: "reject" }], transports: scopes };
      const { judgements } = await trusting({}, await policyFile(setup, policy)).report(
        judged,
        never,
      );
      assert.equal(judgements.at(-1)?.code, code);
    }
  });
}
