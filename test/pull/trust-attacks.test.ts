import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readSif } from "../../src/sif/index.ts";
import {
  addSignature,
  makeSif,
  NOW,
  sourceOf,
  startGpg,
} from "../../src/signing/signing-fixture.ts";
import { DEFAULT_POLICY, parseEcl, Trust } from "../../src/trust/index.ts";
import { INDEX, layerOf, MANIFEST, never, payloadFor } from "../cosign/signed-image.ts";
import { signedBy } from "../cosign/sigstore-fixture.ts";
import { policyFile, release, setUp, trusting } from "./signed-pull.ts";

/** What a policy.json asks for: a signature by `release` that calls the image by the name of its repository. */
const SIGNED_BY_RELEASE = {
  type: "sigstoreSigned",
  keyData: Buffer.from(release.pem).toString("base64"),
  signedIdentity: { type: "matchRepository" },
};

test("a signature in one repository is none for a name in another, whatever it calls the image", async (t) => {
  const setup = await setUp(t);
  const { on, reference } = setup;
  const copy = "copies.test/app:1.0";
  const payload = payloadFor(INDEX, "copies.test/app");
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(release.privateKey, payload))]);
  const scopes = { "copies.test": [SIGNED_BY_RELEASE] };
  const open = [{ type: "insecureAcceptAnything" }];
  const path = await policyFile(setup, { default: open, transports: { docker: scopes } });
  const image = { digests: { index: INDEX, manifest: MANIFEST }, repository: on.repository };
  const judged = { what: reference, names: [reference, copy], from: reference };
  const judgementsOf = async (besideOf: string): Promise<readonly unknown[]> => {
    const beside = (name: string): typeof image | undefined =>
      name === besideOf ? image : undefined;
    const { judgements } = await trusting({}, path).report({ ...judged, beside }, never);
    return judgements.filter(({ demand }) => demand === "policy.json").map(({ code }) => code);
  };
  assert.deepEqual(await judgementsOf(reference), [undefined, "SIGNATURE_NONE"]);
  assert.deepEqual(await judgementsOf(copy), [undefined, undefined]);
});

test("CVE-2020-13847: a list that takes signatures of before 3.6 does not make rules count them", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "siflet-trust-"));
  t.after(() => rm(directory, { recursive: true }));
  const gpg = await startGpg(t);
  const alice = await gpg.makeKey("Alice <alice@example.test>");
  const file = makeSif();
  const { descriptors } = await readSif(sourceOf(file), never);
  const hash = createHash("sha384");
  for (const { offset, size } of descriptors) hash.update(file.subarray(offset, offset + size));
  const text = await gpg.clearSign(`SIFHASH:\n${hash.digest("hex")}`, alice);
  const path = join(directory, "app.sif");
  const signature = { text, fingerprint: alice, hash: "sha384", groupId: 1 } as const;
  await writeFile(path, await addSignature(file, signature));
  const keys = [await gpg.ring(alice)];
  const list = parseEcl(
    `activated = true\nlegacyinsecure = true\n[[execgroup]]\nmode = "whitelist"\ndirpath = ""\nkeyfp = ["${alice}"]\n`,
    "ecl.toml",
  );
  assert.ok(list !== undefined);
  const judge = async (
    mode: "if-signed" | "required",
    legacyInsecure: boolean,
  ): Promise<unknown> => {
    const rule = { mode, signers: [{ kind: "openpgp", fingerprint: alice }], atLeast: 1 } as const;
    const policy = { ...DEFAULT_POLICY, rule, legacyInsecure, lists: [list] };
    const readText = (): Promise<string> => Promise.reject(new Error("no file is asked for"));
    const trust = new Trust({ policy, keys, readText, now: () => NOW + 60_000 });
    const judged = { what: path, names: [], from: path, file: { path } };
    const { judgements, verification } = await trust.report(judged, never);
    return [judgements[0]?.code, verification.signatures[0]?.verdict];
  };
  assert.deepEqual(await judge("if-signed", false), [undefined, "ignored"]);
  assert.deepEqual(await judge("required", false), ["TRUST_REQUIRED", "ignored"]);
  assert.deepEqual(await judge("required", true), [undefined, "valid"]);
});
