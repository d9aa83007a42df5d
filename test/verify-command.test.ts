import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { createPrivateKey } from "node:crypto";
import {
  addSignature,
  makeSif,
  metadataText,
  never,
  NOW,
  sourceOf,
  startGpg,
  withPatches,
} from "../src/signing/signing-fixture.ts";
import { signSif } from "../src/signing/sign-sif.ts";
import { runHere } from "../src/cli/cli-fixture.ts";
import { INDEX, layerOf, payloadFor, REPOSITORY, startSignedImage } from "./cosign/signed-image.ts";
import { keyPair, signedBy } from "./cosign/sigstore-fixture.ts";
import { newDirectory } from "./fixtures/store/index.ts";
import { startKeyServer } from "./fixtures/key-server/index.ts";

/** Files of one key pair, and SIF files that it signed or did not. */
let home: string;

before(async (t) => {
  home = await mkdtemp(join(tmpdir(), "siflet-verify-"));
  (t as unknown as TestContext).after(() => rm(home, { recursive: true }));
  const openssl = promisify(execFile);
  const path = (name: string): string => join(home, name);
  await openssl("openssl", ["genpkey", "-algorithm", "ed25519", "-out", path("key")]);
  await openssl("openssl", ["pkey", "-in", path("key"), "-pubout", "-out", path("key.pub")]);
  const subject = ["-subj", "/O=Example/CN=Release"];
  const usage = ["-addext", "extendedKeyUsage=codeSigning", "-days", "36500"];
  await openssl("openssl", [
    "req",
    "-x509",
    "-key",
    path("key"),
    ...subject,
    ...usage,
    "-out",
    path("key.pem"),
  ]);
  const file = makeSif();
  const keys = [createPrivateKey(await readFile(path("key")))];
  const added = await signSif(sourceOf(file), { kind: "pem", keys }, undefined, NOW, never);
  const signed = withPatches(file, added);
  const broken = signed.slice();
  broken[33_000] = 1;
  await writeFile(path("unsigned.sif"), file);
  await writeFile(path("signed.sif"), signed);
  await writeFile(path("broken.sif"), broken);
  await writeFile(path("odd.sif"), await addSignature(file, { text: "\u001b[31mred" }));
});

async function verify(...words: readonly string[]): Promise<{
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: readonly string[];
}> {
  // Certificates that were made just now are valid from now on.
  const environment = { now: () => Date.now() + 60_000 };
  return await runHere(["verify", ...words], { directory: home, environment });
}

test("a file that is signed by a key that was named", async () => {
  const { exitCode, stdout, stderr } = await verify("--signed", "--pem", "key.pub", "signed.sif");
  assert.deepEqual([exitCode, stderr], [0, []]);
  const [name, judged, signature = ""] = stdout.split("\n");
  assert.equal(name, "signed.sif");
  assert.equal(judged, `  accepted local.file${home}/signed.sif by trust (if-signed): signed`);
  const shown =
    / {2}object 4 +dsse +valid +SHA256:\S+ +- +\S+\/key\.pub +group 1: objects 1, 2, 3$/;
  assert.match(signature, shown);
});

test("a certificate stands for its key, with its roots", async () => {
  const words = ["--signed", "--certificate", "key.pem", "signed.sif"];
  const { exitCode, stdout } = await verify(...words, "--roots", "key.pem");
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /O=Example, CN=Release/);
  assert.equal((await verify(...words)).exitCode, 2);
  assert.equal((await verify(...words, "--roots", "key.pub")).exitCode, 15);
});

test("what nobody known has signed passes, unless a signature is asked for", async () => {
  for (const [file, found] of [
    ["unsigned.sif", "not signed"],
    ["signed.sif", "signed by nobody known"],
  ] as const) {
    const passed = await verify(file);
    assert.equal(passed.exitCode, 0);
    assert.match(passed.stdout, new RegExp(`\\(if-signed\\): ${found}$`, "m"));
    const refused = await verify("--signed", file);
    assert.equal(refused.exitCode, 15);
    assert.match(refused.stdout, /^ {2}refused .* by trust: SIGNATURE_(NONE|SIGNER_UNKNOWN): /m);
  }
});

test("groups and objects can be asked for, each with a code of its own", async () => {
  const run = async (...words: readonly string[]): ReturnType<typeof verify> =>
    await verify("--pem", "key.pub", ...words);
  for (const words of [
    ["--group", "1"],
    ["--object", "1", "--object", "3"],
  ]) {
    assert.equal((await run(...words, "signed.sif")).exitCode, 0);
    const unsigned = await run(...words, "unsigned.sif");
    assert.match(
      unsigned.stdout,
      /refused .*SIGNATURE_NONE: (group|object) 1 has no valid signature/,
    );
  }
  for (const [words, code] of [
    [["--group", "7"], "SIGNATURE_NO_GROUP"],
    [["--object", "9"], "SIGNATURE_NO_OBJECT"],
    // A signature cannot sign itself.
    [["--object", "4"], "SIGNATURE_NO_OBJECT"],
  ] as const) {
    const { exitCode, stdout } = await run(...words, "signed.sif");
    assert.equal(exitCode, 15);
    assert.ok(stdout.includes(code), stdout);
  }
  const nobody = await verify("--group", "1", "signed.sif");
  assert.ok(nobody.stdout.includes("SIGNATURE_NONE"));
  assert.equal((await verify("--group", "1", "--object", "1", "signed.sif")).exitCode, 2);
  assert.equal((await verify("--group", "one", "signed.sif")).exitCode, 2);
});

test("a broken signature is refused, and every file is told about", async () => {
  const { exitCode, stdout } = await verify("broken.sif", "signed.sif", "--pem", "key.pub");
  assert.equal(exitCode, 15);
  assert.match(stdout, /refused .*broken\.sif by trust: SIGNATURE_DATA: .*object 3 was changed/);
  assert.match(stdout, /accepted .*signed\.sif/);
});

test("as JSON: what was found, and why", async () => {
  const { exitCode, stdout } = await verify("--json", "broken.sif", "unsigned.sif");
  assert.equal(exitCode, 15);
  const [broken, unsigned] = JSON.parse(stdout) as readonly Record<string, unknown>[];
  assert.equal(broken?.["accepted"], false);
  assert.deepEqual(unsigned, {
    image: "unsigned.sif",
    names: [`local.file${home}/unsigned.sif`],
    accepted: true,
    judgements: [
      {
        name: `local.file${home}/unsigned.sif`,
        rule: "trust",
        accepted: true,
        code: null,
        reason: null,
        trusted: [],
        signed: "no",
      },
    ],
    signatures: [],
    imageSignatures: [],
  });
  const [signature] = broken["signatures"] as readonly Record<string, unknown>[];
  assert.deepEqual([signature?.["verdict"], signature?.["code"]], ["broken", "SIGNATURE_DATA"]);
});

test("what a file says is no command to the terminal", async () => {
  const { exitCode, stdout } = await verify("odd.sif");
  assert.equal(exitCode, 15);
  assert.ok(!stdout.includes("\u001b"));
});

test("a policy that was changed is applied to the whole store", async () => {
  const run = async (...words: readonly string[]): ReturnType<typeof verify> =>
    await runHere(words, { directory: home });
  for (const name of ["signed", "unsigned"]) {
    const added = await run("add", `${name}.sif`, "--name", `reg.test/${name}:1`);
    assert.equal(added.exitCode, 0, added.stderr.join("\n"));
  }
  assert.equal((await run("verify", "--all")).exitCode, 0);
  await writeFile(
    join(home, "strict.yaml"),
    `trust:\n  names:\n    "reg.test/*":\n      mode: required\n      signers: [${home}/key.pub]\n`,
  );
  const { exitCode, stdout } = await run("--config", "strict.yaml", "verify", "--all");
  assert.equal(exitCode, 15);
  assert.match(
    stdout,
    /^ {2}accepted reg\.test\/signed:1 by trust\.names: reg\.test\/\* in \/.*\/strict\.yaml \(required\): signed$/m,
  );
  assert.match(
    stdout,
    /^ {2}refused {2}reg\.test\/unsigned:1 by trust\.names: reg\.test\/\* in \S+: TRUST_REQUIRED: /m,
  );
  const again = await run(
    "--config",
    "strict.yaml",
    "add",
    "unsigned.sif",
    "--name",
    "reg.test/two:1",
  );
  assert.equal(again.exitCode, 15);
  assert.match(again.stderr[0] ?? "", /^siflet: reg\.test\/two:1: .*nobody signed it$/);
});

test("a list of Singularity's holds, and one that cannot be read ends the command", async () => {
  const config = join(home, "lists.yaml");
  await writeFile(config, `trust:\n  ecl: [${home}/ecl.toml]\n`);
  const run = async (): ReturnType<typeof verify> => await verify("--config", config, "signed.sif");
  const missing = await run();
  assert.equal(missing.exitCode, 2);
  assert.match(missing.stderr[0] ?? "", /ecl\.toml: ENOENT/);
  await writeFile(join(home, "ecl.toml"), `activated = true\n[[execgroup]]\nmode = "blacklist"\n`);
  assert.match((await run()).stdout, /TRUST_FORBIDDEN: .*asks for valid signatures/);
});

const refusals: readonly (readonly [readonly string[], number])[] = [
  [[], 2],
  [["--all", "signed.sif"], 2],
  [["--pem", "key", "signed.sif"], 2],
  [["--pem", "nowhere.pub", "signed.sif"], 2],
  [["nowhere.sif"], 3],
  [["no/such:1"], 3],
];

for (const [words, code] of refusals) {
  test(`verify ${words.join(" ")} exits with ${code}`, async () => {
    const { exitCode, stderr } = await verify(...words);
    assert.equal(exitCode, code, stderr.join("\n"));
  });
}

test("a key server is asked for a signer's key where the configuration says so, and never else", async (t) => {
  const gpg = await startGpg(t);
  const alice = await gpg.makeKey("Alice <alice@example.test>");
  const file = makeSif();
  const text = await gpg.clearSign(await metadataText(file, 1), alice);
  await writeFile(join(home, "pgp.sif"), await addSignature(file, { text, fingerprint: alice }));
  await using server = await startKeyServer();
  server.keys.set(alice.toUpperCase(), String(await gpg.run("--armor", "--export", alice)));
  const config = join(home, "servers.yaml");
  const run = async (lookUpKeys: boolean): ReturnType<typeof verify> => {
    const trust = `trust:\n  lookUpKeys: ${lookUpKeys}\n`;
    await writeFile(config, `keyServers: ["${server.url}"]\n${trust}`);
    return await verify("--config", config, "--signed", "pgp.sif");
  };
  const unasked = await run(false);
  assert.equal(unasked.exitCode, 15);
  assert.deepEqual(server.requests, []);
  // Servers of a remote.yaml are for key pull alone.
  await mkdir(join(home, ".singularity"));
  const url = server.url.replace("hkp:", "http:");
  const remote = `Active: it\nRemotes: {it: {URI: h.test, Keyservers: [{URI: "${url}"}]}}\n`;
  await writeFile(join(home, ".singularity/remote.yaml"), remote, { mode: 0o600 });
  await writeFile(config, "trust: {lookUpKeys: true}\n");
  assert.equal((await verify("--config", config, "--signed", "pgp.sif")).exitCode, 15);
  assert.deepEqual(server.requests, []);
  const asked = await run(true);
  assert.equal(asked.exitCode, 0, asked.stdout);
  assert.ok(
    asked.stdout.includes(server.url.replace("hkp:", "http:")),
    "it says where the key was found",
  );
  assert.equal(server.requests.length, 1);
  // Another key than the one that was asked for is no key of the signer's.
  server.keys.set(
    alice.toUpperCase(),
    String(await gpg.run("--armor", "--export", await gpg.makeKey("Eve <eve@example.test>"))),
  );
  const other = await run(true);
  assert.equal(other.exitCode, 15);
  assert.match(
    other.stderr.join("\n"),
    /warning: no key server has the key .* it sent another key/,
  );
  server.keys.clear();
  const none = await run(true);
  assert.deepEqual([none.exitCode, none.stderr], [15, []]);
});

test("signatures in a registry: looked for by a pull, shown and judged again by verify", async (t) => {
  const on = await startSignedImage();
  t.after(() => on[Symbol.asyncDispose]());
  const directory = await newDirectory(t);
  const run = async (...words: readonly string[]): ReturnType<typeof verify> =>
    await runHere(words, { directory });
  const key = keyPair();
  await writeFile(join(directory, "release.pub"), key.pem);
  const config = (more: string): string =>
    `trust:\n  mode: required\n  signers: [${directory}/release.pub]\n${more}`;
  await writeFile(join(directory, "c.yaml"), config(""));
  const reference = `${on.registry.host}/${REPOSITORY}:1.0`;
  const refused = await run("--config", "c.yaml", "pull", reference);
  assert.equal(refused.exitCode, 15);
  assert.match(refused.stderr.join("\n"), /asks for signatures of 1 of 1 signers, and nobody/);
  const payload = payloadFor(INDEX);
  on.tagSignatures(INDEX, [layerOf(payload, signedBy(key.privateKey, payload))]);
  const pulled = await run("--config", "c.yaml", "pull", reference);
  assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
  await on.registry.close();
  const shown = await run("--config", "c.yaml", "verify", reference);
  assert.equal(shown.exitCode, 0);
  assert.match(shown.stdout, / by trust in \S+\/c\.yaml \(required\): signed$/m);
  assert.match(
    shown.stdout,
    /^ {2}beside it [0-9a-f]{12} +simple-signing +valid +SHA256:\S+ +- +\S+release\.pub +the image as reg\.test\/team\/app$/m,
  );
  // Without a policy nobody's key is known but one that is named.
  assert.equal((await run("verify", "--signed", reference)).exitCode, 15);
  assert.equal((await run("verify", "--signed", "--pem", "release.pub", reference)).exitCode, 0);
  const policy = { default: [{ type: "reject" }] };
  await writeFile(join(directory, "policy.json"), JSON.stringify(policy));
  await writeFile(join(directory, "d.yaml"), config(`  policyJson: ${directory}/policy.json\n`));
  const { exitCode, stdout } = await run("--config", "d.yaml", "verify", "--json", reference);
  assert.equal(exitCode, 15);
  const [verified] = JSON.parse(stdout) as readonly {
    readonly judgements: readonly { readonly rule: string; readonly code: string | null }[];
    readonly imageSignatures: readonly { readonly verdict: string }[];
  }[];
  assert.deepEqual(
    verified?.judgements.map(({ rule, code }) => [rule, code]),
    [
      [`trust in ${directory}/d.yaml`, null],
      [`trust in ${directory}/d.yaml`, null],
      [`${directory}/policy.json: default`, "POLICY_REJECTS"],
    ],
  );
  assert.deepEqual(
    verified.imageSignatures.map(({ verdict }) => verdict),
    ["valid"],
  );
});
