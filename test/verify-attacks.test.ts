import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { runHere, type CliResult } from "../src/cli/cli-fixture.ts";
import { makeSif } from "../src/signing/signing-fixture.ts";
import {
  INDEX,
  layerOf,
  payloadFor,
  REPOSITORY,
  SIGNED,
  type SignedImage,
  startSignedImage,
} from "./cosign/signed-image.ts";
import { keyPair, type KeyPair, signedBy } from "./cosign/sigstore-fixture.ts";
import { nestedLayoutFiles, writeFiles } from "./fixtures/archive/index.ts";
import { newDirectory } from "./fixtures/store/index.ts";

const OPEN = [{ type: "insecureAcceptAnything" }];
const REJECT = [{ type: "reject" }];

interface Work {
  readonly on: SignedImage;
  readonly directory: string;
  /** `team/app:1.0` of the registry, which is the image of `layout`, too. */
  readonly reference: string;
  readonly key: KeyPair;
  /** Runs a command under a policy.json. */
  readonly run: (policy: object, ...words: readonly string[]) => Promise<CliResult>;
}

/** A registry and a layout with the same image, and a store that is to be. */
async function setUp(t: TestContext, trust = "{}"): Promise<Work> {
  const on = await startSignedImage();
  t.after(() => on[Symbol.asyncDispose]());
  const directory = await newDirectory(t);
  await writeFiles(join(directory, "layout"), nestedLayoutFiles(SIGNED));
  const key = keyPair();
  await writeFile(join(directory, "release.pub"), key.pem);
  return {
    on,
    directory,
    reference: `${on.registry.host}/${REPOSITORY}:1.0`,
    key,
    async run(policy, ...words) {
      await writeFile(join(directory, "policy.json"), JSON.stringify(policy));
      const config = `trust: ${trust.replace("{", `{policyJson: ${directory}/policy.json, `)}\n`;
      await writeFile(join(directory, "c.yaml"), config.replaceAll("$DIR", directory));
      return await runHere(["--config", "c.yaml", ...words], { directory });
    },
  };
}

test("what was brought by hand and then pulled with a signature is accepted as by the pull", async (t) => {
  const trust = '{names: {"*/team/app*": {mode: required, signers: [$DIR/release.pub]}}}';
  const { on, key, reference, run } = await setUp(t, trust);
  const open = { default: OPEN };
  const loaded = await run(open, "pull", "oci:layout", "--name", "loaded:1");
  assert.equal(loaded.exitCode, 0, loaded.stderr.join("\n"));
  const payload = payloadFor(INDEX);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
  const pulled = await run(open, "pull", reference);
  assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
  const { exitCode, stdout } = await run(open, "verify", reference);
  assert.equal(exitCode, 0, stdout);
});

test("a name of a registry goes by the rules for it, whatever the image came from first", async (t) => {
  const { reference, run } = await setUp(t);
  const archives = { oci: { "": OPEN } };
  const open = { default: OPEN };
  assert.equal((await run(open, "pull", "oci:layout", "--name", "loaded:1")).exitCode, 0);
  assert.equal((await run(open, "pull", reference)).exitCode, 0);
  const policy = { default: REJECT, transports: archives };
  assert.equal((await run(policy, "pull", reference)).exitCode, 15);
  const { exitCode, stdout } = await run(policy, "verify", "--all");
  assert.equal(exitCode, 15, stdout);
  assert.match(stdout, /refused .*team\/app:1\.0 by .*default: POLICY_REJECTS/);
});

test("an image with names of several kinds is judged, and does not keep others from it", async (t) => {
  const { directory, reference, run } = await setUp(t);
  const open = { default: OPEN };
  assert.equal((await run(open, "pull", reference)).exitCode, 0);
  const file = join(directory, "app.sif");
  assert.equal((await run(open, "export", reference, file)).exitCode, 0);
  assert.equal((await run(open, "pull", `local.file${file}`)).exitCode, 0);
  const { exitCode, stdout, stderr } = await run(open, "verify", "--all");
  assert.deepEqual([exitCode, stderr], [0, []]);
  const policy = { default: OPEN, transports: { sif: { [directory]: REJECT } } };
  const refused = await run(policy, "verify", reference);
  assert.equal(refused.exitCode, 15, stdout);
  assert.match(refused.stdout, /refused .*POLICY_REJECTS/);
});

test("a link to a file does not get past the rule for its directory", async (t) => {
  const { directory, run } = await setUp(t);
  await mkdir(join(directory, "evil"));
  await mkdir(join(directory, "good"));
  await writeFiles(join(directory, "evil/layout"), nestedLayoutFiles(SIGNED));
  await writeFile(join(directory, "evil/app.sif"), makeSif());
  await symlink(join(directory, "evil/layout"), join(directory, "good/layout"));
  await symlink("../evil/app.sif", join(directory, "good/app.sif"));
  const scopes = { [join(directory, "good")]: OPEN };
  const policy = { default: REJECT, transports: { oci: scopes, sif: scopes } };
  for (const words of [
    ["pull", "oci:good/layout"],
    ["pull", "good/app.sif"],
    ["add", "good/app.sif"],
    ["verify", "good/app.sif"],
  ]) {
    const { exitCode, stdout } = await run(policy, ...words);
    assert.equal(exitCode, 15, `${words.join(" ")}: ${stdout}`);
  }
});

test("an image of an old store does not get past the rule for the registry that it came from", async (t) => {
  const { directory, reference, run } = await setUp(t);
  const open = { default: OPEN };
  const file = join(directory, "old.sif");
  assert.equal((await run(open, "pull", "--no-store", reference, "--output", file)).exitCode, 0);
  const bytes = await readFile(file);
  const id = createHash("sha256").update(bytes).digest("hex");
  const ref = { uri: "docker.io", tags: [reference], digests: [] };
  const record = JSON.stringify({ id, sha256: id, size: bytes.length, path: file, ref });
  await writeFile(join(directory, "registry.json"), record);
  const policy = { default: OPEN, transports: { docker: { "": REJECT } } };
  const imported = await run(policy, "import-registry", "registry.json");
  assert.equal(imported.exitCode, 15, imported.stdout);
  assert.equal((await run(open, "images", "--json")).stdout, "[]\n");
});

test("a copy that is signed does not get past the rule for the registry of the image", async (t) => {
  const { on, directory, key, reference, run } = await setUp(t);
  const keyData = Buffer.from(key.pem).toString("base64");
  const identity = { type: "matchRepository" };
  const signed = [{ type: "sigstoreSigned", keyData, signedIdentity: identity }];
  const policy = { default: OPEN, transports: { docker: { "": signed } } };
  const payload = payloadFor(INDEX, reference);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
  assert.equal((await run(policy, "pull", reference)).exitCode, 0);
  const before = await run(policy, "path", reference);
  const other = keyPair("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
  await writeFile(join(directory, "other.pem"), other, { mode: 0o600 });
  const copy = await run(policy, "sign", "--pem", "other.pem", reference);
  assert.equal(copy.exitCode, 15, copy.stdout);
  assert.equal((await run(policy, "path", reference)).stdout, before.stdout);
  assert.equal((await run(policy, "verify", "--all")).exitCode, 0);
});

test("a file that a pull puts beside the store's image is judged by the list for its directory", async (t) => {
  const trust = "{signers: [$DIR/release.pub], ecl: [$DIR/ecl.toml]}";
  const { directory, key, run } = await setUp(t, trust);
  const [from, to] = [join(directory, "from"), join(directory, "to")];
  for (const path of [from, to]) await mkdir(path);
  const group = (path: string, mode: string): string =>
    `[[execgroup]]\nmode = "${mode}"\ndirpath = "${path}"\nkeyfp = ["${"0".repeat(40)}"]\n`;
  const groups = group(from, "blacklist") + group(to, "whitelist");
  await writeFile(join(directory, "ecl.toml"), `activated = true\n${groups}`);
  await writeFile(join(from, "app.sif"), makeSif());
  const pem = key.privateKey.export({ format: "pem", type: "pkcs8" });
  await writeFile(join(directory, "release.pem"), pem, { mode: 0o600 });
  const open = { default: OPEN };
  const signed = await run(open, "sign", "--pem", "release.pem", "from/app.sif");
  assert.equal(signed.exitCode, 0, signed.stderr.join("\n"));
  for (const more of [["--no-store"], []]) {
    const words = ["pull", ...more, "from/app.sif", "--output", "to/app.sif"];
    const { exitCode, stderr } = await run(open, ...words);
    assert.equal(exitCode, 15, words.join(" "));
    assert.match(stderr.join("\n"), /asks for a signature of all groups/);
    assert.deepEqual(await readdir(to), []);
  }
  const allowed = await run(open, "pull", "from/app.sif", "--output", "from/copy.sif");
  assert.equal(allowed.exitCode, 0, allowed.stderr.join("\n"));
});

test("an image that cannot be read is refused, and does not keep others from being judged", async (t) => {
  const { directory, reference, run } = await setUp(t);
  const path = join(directory, "a.sif");
  await writeFile(path, makeSif());
  for (const image of ["./a.sif", reference]) {
    assert.equal((await run({ default: OPEN }, "pull", image)).exitCode, 0);
  }
  const reject = { default: OPEN, transports: { docker: { "": REJECT } } };
  for (const [code, change] of [
    ["SIF_MAGIC", () => writeFile(path, "no SIF".repeat(100))],
    ["NOT_FOUND", () => rm(path)],
  ] as const) {
    await change();
    const { exitCode, stdout, stderr } = await run(reject, "verify", "--all");
    assert.deepEqual([exitCode, stderr], [15, []]);
    assert.match(stdout, new RegExp(`refused  local\\.file${path} by every rule: ${code}: `));
    assert.match(stdout, /refused {2}\S+team\/app:1\.0 by \S+: .*POLICY_REJECTS/);
  }
});
