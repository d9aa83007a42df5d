import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { Info, openStore, pull, type TrustSettings } from "../src/index.ts";
import {
  addSignature,
  makeSif,
  metadataText,
  startGpg,
  type Gpg,
} from "../src/signing/signing-fixture.ts";
import { INDEX, layerOf, payloadFor, REPOSITORY, startSignedImage } from "./cosign/signed-image.ts";
import { keyPair, signedBy } from "./cosign/sigstore-fixture.ts";
import { makeImage, startRegistry } from "./fixtures/registry/index.ts";
import { newDirectory } from "./fixtures/store/index.ts";
import { tar } from "./fixtures/tar/index.ts";

let gpg: Gpg;
let alice = "";
let ring = "";
const files = new Map<string, Uint8Array>();

before(async (t) => {
  const scope = t as unknown as TestContext;
  gpg = await startGpg(scope);
  alice = await gpg.makeKey("Alice <alice@example.test>");
  ring = join(gpg.home, "alice.asc");
  await writeFile(ring, await gpg.run("--armor", "--export", alice));
  const unsigned = makeSif();
  const text = await gpg.clearSign(await metadataText(unsigned, 1), alice);
  const signed = await addSignature(unsigned, { text, fingerprint: alice });
  const broken = signed.slice();
  broken[33_000] = 1;
  for (const [name, bytes] of Object.entries({ unsigned, signed, broken })) files.set(name, bytes);
});

async function fileOf(t: TestContext, name: string): Promise<string> {
  const path = join(await newDirectory(t), `${name}.sif`);
  await writeFile(path, files.get(name) ?? "");
  return path;
}

test("an image converted from layers is accepted as it is, also when its file is gone", async (t) => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f" }])] }), "1");
  const info = await pull(await newDirectory(t), `${registry.host}/app:1`);
  assert.deepEqual(await info.verify(), []);
  await rm(info.path);
  assert.deepEqual(await info.verify(), []);
});

test("a file is checked with the keys and by the policy that were given", async (t) => {
  const path = await fileOf(t, "signed");
  const verify = async (trust: TrustSettings): Promise<readonly (string | undefined)[]> => {
    const info = await pull(await newDirectory(t), `local.file${path}`, { trust });
    return (await info.verify()).map(({ verdict }) => verdict);
  };
  assert.deepEqual(await verify({ keyrings: [ring] }), ["valid"]);
  assert.deepEqual(await verify({ keyrings: [] }), ["unknown-signer"]);
  const signers = [{ kind: "openpgp", fingerprint: alice }] as const;
  assert.deepEqual(await verify({ keyrings: [ring], mode: "required", signers }), ["valid"]);
  await assert.rejects(verify({ keyrings: [], mode: "required", signers }), {
    code: "TRUST_REQUIRED",
  });
});

test("what is not signed is accepted, and what is signed badly is not pulled, nor accepted later", async (t) => {
  const unsigned = await pull(await newDirectory(t), `local.file${await fileOf(t, "unsigned")}`);
  assert.deepEqual(await unsigned.verify(), []);
  const broken = await fileOf(t, "broken");
  await assert.rejects(pull(await newDirectory(t), `local.file${broken}`), {
    code: "SIGNATURE_DATA",
  });
  const path = await fileOf(t, "signed");
  const info = await pull(await newDirectory(t), `local.file${path}`, {
    trust: { keyrings: [ring] },
  });
  await writeFile(path, files.get("broken") ?? "");
  await assert.rejects(info.verify(), { code: "SIGNATURE_DATA" });
  await rm(path);
  await assert.rejects(info.verify(), { code: "NOT_FOUND" });
});

test("an image of a store is judged by the store's policy", async (t) => {
  const directory = await newDirectory(t);
  const trust: TrustSettings = { keyrings: [ring] };
  await using store = await openStore(directory, { trust });
  const info = await store.add(await fileOf(t, "signed"), { names: ["reg.test/app:1"] });
  assert.deepEqual(
    (await info.verify()).map(({ signer }) => signer?.fingerprint),
    [alice],
  );
  assert.ok(info instanceof Info);
  const names = { "reg.test/*": { mode: "required", atLeast: 2 } } as const;
  await using strict = await openStore(directory, { trust: { ...trust, names } });
  await assert.rejects((await strict.find("reg.test/app:1")).verify(), { code: "TRUST_REQUIRED" });
});

test("an image read from JSON is checked where its file holds a signature", async (t) => {
  const read = async (name: string, uri: string): Promise<Info> => {
    const path = await fileOf(t, name);
    const id = "a".repeat(64);
    const ref = {
      uri,
      tags: uri === "docker.io" ? ["app:1"] : [`${uri}/me/col/app:1`],
      digests: null,
    };
    return Info.fromJSON({ id, sha256: id, size: 1, path, ref });
  };
  assert.deepEqual(await (await read("unsigned", "docker.io")).verify(), []);
  const signed = await (await read("signed", "docker.io")).verify();
  assert.deepEqual(
    signed.map(({ verdict }) => verdict),
    ["unknown-signer"],
  );
  await assert.rejects((await read("broken", "docker.io")).verify(), { code: "SIGNATURE_DATA" });
  await assert.rejects((await read("broken", "cloud.sylabs.io")).verify(), {
    code: "SIGNATURE_DATA",
  });
  const gone = await read("signed", "docker.io");
  await rm(gone.path);
  assert.deepEqual(await gone.verify(), []);
});

test("what lies beside an image in its registry is told, also when the registry is gone", async (t) => {
  const on = await startSignedImage();
  t.after(() => on[Symbol.asyncDispose]());
  const key = keyPair();
  const directory = await newDirectory(t);
  const path = join(directory, "release.pub");
  await writeFile(path, key.pem);
  const payload = payloadFor(INDEX);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
  const ref = `${on.registry.host}/${REPOSITORY}:1.0`;
  const trust: TrustSettings = { mode: "required", signers: [{ kind: "pem", path }] };
  const info = await pull(directory, ref, { trust });
  await using store = await openStore(join(directory, "store"), { trust });
  await store.pull(ref);
  const policyJson = join(directory, "policy.json");
  await writeFile(policyJson, JSON.stringify({ default: [{ type: "reject" }] }));
  const rejecting = { ...trust, policyJson };
  await assert.rejects(pull(directory, ref, { trust: rejecting }), { code: "POLICY_REJECTS" });
  await on.registry.close();
  for (const one of [info, await store.find(ref)]) {
    const [evidence, ...more] = await one.verify();
    assert.equal(more.length, 0);
    assert.ok(evidence?.format === "simple-signing" && evidence.verdict === "valid");
    assert.equal(evidence.signer?.fingerprint, key.trusted.fingerprint);
  }
});
