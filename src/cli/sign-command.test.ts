import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import {
  chmod,
  copyFile,
  link,
  lstat,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { after, before, test, type TestContext } from "node:test";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { keyBytes, makeKey } from "../signing/index.ts";
import {
  assertFailure,
  newDirectory,
  pullHere,
  runHere,
  TEST_NOW,
  type CliResult,
} from "./cli-fixture.ts";
import type { Environment } from "./environment.ts";

const PASSPHRASE = "open sesame";

let registry: FakeRegistry;
/** Packets of secret keys. */
let alice: Uint8Array;
let locked: Uint8Array;

before(async () => {
  registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "1" }])] }), "1");
  const made = TEST_NOW - 60_000;
  alice = keyBytes(await makeKey({ name: "Alice", email: "alice@example.test" }, made));
  const email = "bob@example.test";
  locked = keyBytes(await makeKey({ name: "Bob", email, passphrase: PASSPHRASE }, made));
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

interface Setup {
  readonly directory: string;
  readonly name: string;
  readonly id: string;
  /** A SIF file of mode 0640, which is the image. */
  readonly file: string;
  readonly run: (args: readonly string[], environment?: Partial<Environment>) => Promise<CliResult>;
}

/** An image in a store, and keys to sign it with. */
async function setUp(t: TestContext, ...keys: readonly Uint8Array[]): Promise<Setup> {
  const directory = await newDirectory(t);
  const name = `${registry.host}/app:1`;
  const { id, path } = await pullHere(directory, name);
  const file = join(directory, "app.sif");
  await copyFile(path, file);
  await chmod(file, 0o640);
  const run: Setup["run"] = async (args, environment = {}) => {
    const result = await runHere(args, { directory, environment });
    const said = [result.stdout, ...result.stderr].join("\n");
    assert.doesNotMatch(said, /open sesame/, "no passphrase is shown");
    return result;
  };
  for (const key of keys) {
    const imported = await run(["key", "import", "-"], {
      stdin: Readable.from([Buffer.from(key)]),
    });
    assert.equal(imported.exitCode, 0);
  }
  return { directory, name, id, file, run };
}

interface Verified {
  readonly signatures: readonly {
    readonly verdict: string;
    readonly format: string;
    readonly signer?: { readonly name?: string };
    readonly covers: { readonly objects: readonly number[]; readonly missing: readonly number[] };
  }[];
}

async function signatures(
  { run }: Setup,
  image: string,
  ...options: readonly string[]
): Promise<Verified["signatures"]> {
  const { stdout } = await run(["verify", "--json", ...options, image]);
  return (JSON.parse(stdout) as readonly Verified[])[0]?.signatures ?? [];
}

async function hashOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

async function assertUnchanged({ file, id, directory }: Setup): Promise<void> {
  assert.equal(await hashOf(file), id);
  const names = await readdir(directory);
  assert.deepEqual(
    names.filter((one) => one.startsWith(".siflet-")),
    [],
  );
}

test("a file is signed where it lies, keeps its mode, and is what its id says", async (t) => {
  const setup = await setUp(t, alice);
  const { stdout, exitCode, stderr } = await setup.run(["sign", "app.sif"]);
  assert.deepEqual([exitCode, stderr], [0, []]);
  const id = await hashOf(setup.file);
  assert.match(stdout, /^app\.sif: signed by [0-9a-f]{40} \(Alice <alice@example\.test>\)\n/);
  assert.match(stdout, new RegExp(`^ {2}id +${id}\n {2}was +${setup.id}\n`, "m"));
  assert.equal((await stat(setup.file)).mode & 0o777, 0o640);
  const [only, ...others] = await signatures(setup, "app.sif");
  assert.deepEqual([only?.verdict, only?.format, others.length], ["valid", "openpgp", 0]);
  assert.equal(only?.signer?.name, "Alice <alice@example.test>");
  assert.deepEqual(only.covers.missing, []);
  const names = (await readdir(setup.directory)).filter((one) => one.startsWith(".siflet"));
  assert.deepEqual(names, []);
  // What was there before the signature is there still.
  const was = await readFile(join(setup.directory, "store/images", `${setup.id}.sif`));
  const now = await readFile(setup.file);
  assert.deepEqual(now.subarray(32_768, was.length), was.subarray(32_768));
});

test("a link is followed and stays, another name of the same file keeps what it was", async (t) => {
  const setup = await setUp(t, alice);
  await symlink("app.sif", join(setup.directory, "link.sif"));
  await link(setup.file, join(setup.directory, "hard.sif"));
  assert.equal((await setup.run(["sign", "./link.sif"])).exitCode, 0);
  assert.ok((await lstat(join(setup.directory, "link.sif"))).isSymbolicLink());
  assert.notEqual(await hashOf(setup.file), setup.id);
  assert.equal(await hashOf(join(setup.directory, "hard.sif")), setup.id);
});

test("a file that is signed twice has two signatures", async (t) => {
  const setup = await setUp(t, alice);
  await setup.run(["sign", "app.sif"]);
  assert.equal((await setup.run(["sign", "app.sif"])).exitCode, 0);
  const verdicts = (await signatures(setup, "app.sif")).map(({ verdict }) => verdict);
  assert.deepEqual(verdicts, ["valid", "valid"]);
});

test("the passphrase of a key comes from a file or from standard input", async (t) => {
  const setup = await setUp(t, locked);
  await writeFile(join(setup.directory, "passphrase"), `${PASSPHRASE}\n`);
  const fromFile = await setup.run(["sign", "--passphrase-file", "passphrase", "app.sif"]);
  assert.equal(fromFile.exitCode, 0, fromFile.stderr.join("\n"));
  const stdin = Readable.from([Buffer.from(PASSPHRASE)]);
  const fromInput = await setup.run(["sign", "--passphrase-file", "-", "app.sif"], { stdin });
  assert.equal(fromInput.exitCode, 0, fromInput.stderr.join("\n"));
  assert.equal((await signatures(setup, "app.sif")).length, 2);
});

test("the passphrase of a key is asked for at a terminal, and not shown", async (t) => {
  const setup = await setUp(t, locked);
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  stdin.write(`${PASSPHRASE}\r`);
  const result = await setup.run(["sign", "app.sif"], { stdin });
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  assert.match(result.stderr.join("\n"), /^Passphrase of key [0-9a-f]{40}: /);
});

test("without the right passphrase nothing is signed", async (t) => {
  const setup = await setUp(t, locked);
  assertFailure(await setup.run(["sign", "app.sif"]), 2, /expected its passphrase, got none/);
  await writeFile(join(setup.directory, "passphrase"), "other");
  const wrong = await setup.run(["sign", "--passphrase-file", "passphrase", "app.sif"]);
  assertFailure(wrong, 2, /expected its passphrase, got another/);
  const absent = await setup.run(["sign", "--passphrase-file", "absent", "app.sif"]);
  assertFailure(absent, 2, /--passphrase-file: cannot read/);
  await assertUnchanged(setup);
});

test("of several keys one must be named, and without any none is", async (t) => {
  const setup = await setUp(t, alice, locked);
  const several = await setup.run(["sign", "app.sif"]);
  assertFailure(several, 2, /expected --key with one of [0-9a-f]{40} \(Alice <.*\(Bob <bob@/);
  const fingerprint = /of ([0-9a-f]{40}) \(Alice/.exec(several.stderr.join())?.[1] ?? "";
  assert.equal((await setup.run(["sign", "--key", fingerprint, "app.sif"])).exitCode, 0);
  const short = await setup.run(["sign", "--key", fingerprint.slice(24), "app.sif"]);
  assertFailure(short, 2, /sign: --key: expected a fingerprint of 40/);
  const unknown = await setup.run(["sign", "--key", "0".repeat(40), "app.sif"]);
  assertFailure(unknown, 3, /there is no secret key 0{40} in any keyring/);
  const none = await setUp(t);
  assertFailure(await none.run(["sign", "app.sif"]), 2, /expected --pem, or a key of/);
  await assertUnchanged(none);
});

for (const kind of ["ed25519", "ec", "rsa"] as const) {
  test(`keys in PEM sign (${kind}), with a passphrase too, several in one signature`, async (t) => {
    const setup = await setUp(t);
    const { publicKey, privateKey } =
      kind === "ec"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : kind === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2048 })
          : generateKeyPairSync("ed25519");
    const other = generateKeyPairSync("ed25519");
    const pkcs8 = { type: "pkcs8", format: "pem" } as const;
    const cipher = { cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;
    const files = {
      "plain.pem": other.privateKey.export(pkcs8),
      "locked.pem": privateKey.export({ ...pkcs8, ...cipher }),
      "public.pem": publicKey.export({ type: "spki", format: "pem" }),
      passphrase: `${PASSPHRASE}\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(setup.directory, name), text);
    }
    const pems = ["--pem", "locked.pem", "--pem", "plain.pem"];
    assertFailure(
      await setup.run(["sign", ...pems, "app.sif"]),
      2,
      /locked\.pem: expected its pass/,
    );
    await assertUnchanged(setup);
    const signed = await setup.run(["sign", ...pems, "--passphrase-file", "passphrase", "app.sif"]);
    assert.equal(signed.exitCode, 0, signed.stderr.join("\n"));
    assert.match(signed.stdout, /^app\.sif: signed by locked\.pem and plain\.pem\n/);
    const found = await signatures(setup, "app.sif", "--pem", "public.pem");
    assert.deepEqual(
      found.map(({ verdict, format }) => [verdict, format]),
      [["valid", "dsse"]],
    );
  });
}

test("a traditional private key in PEM that is encrypted signs too", async (t) => {
  const setup = await setUp(t);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({
    ...({ type: "pkcs1", format: "pem" } as const),
    ...{ cipher: "aes-128-cbc", passphrase: PASSPHRASE },
  });
  await writeFile(join(setup.directory, "key.pem"), pem);
  await writeFile(join(setup.directory, "passphrase"), PASSPHRASE);
  assertFailure(await setup.run(["sign", "--pem", "key.pem", "app.sif"]), 2, /expected its pass/);
  const args = ["sign", "--pem", "key.pem", "--passphrase-file", "passphrase", "app.sif"];
  assert.equal((await setup.run(args)).exitCode, 0);
});

test("--output writes elsewhere, and over nothing unless that is wanted", async (t) => {
  const setup = await setUp(t, alice);
  const output = join(setup.directory, "signed.sif");
  const first = await setup.run(["sign", "--output", "signed.sif", "app.sif"]);
  assert.equal(first.exitCode, 0);
  await assertUnchanged(setup);
  const before = await hashOf(output);
  const again = await setup.run(["sign", "--output", "signed.sif", "app.sif"]);
  assertFailure(again, 12, /signed\.sif exists already/);
  assert.equal(await hashOf(output), before);
  const stored = await setup.run(["sign", "--output", "signed.sif", "--force", setup.name]);
  assert.equal(stored.exitCode, 0);
  assert.equal((await signatures(setup, "./signed.sif"))[0]?.verdict, "valid");
  const images = JSON.parse((await setup.run(["images", "--json"])).stdout) as readonly unknown[];
  assert.equal(images.length, 1, "the store is as it was");
});

const wrong = [
  { args: ["--group", "1", "--object", "1"], exit: 2, message: /either --group or --object/ },
  { args: ["--group", "x"], exit: 2, message: /--group: expected a number/ },
  { args: ["--object", "0"], exit: 2, message: /--object: expected a number/ },
  { args: ["--force"], exit: 2, message: /expected --output with --force/ },
  { args: ["--pem", "x", "--key", "0".repeat(40)], exit: 2, message: /either --key or --pem/ },
  { args: ["--pem", "absent.pem"], exit: 2, message: /cannot read .*absent\.pem/ },
  { args: ["--pem", "app.sif"], exit: 2, message: /app\.sif: expected a private key in PEM/ },
  { args: ["--group", "9"], exit: 15, message: /the file has no group 9/ },
  { args: ["--object", "9"], exit: 15, message: /the file has no object 9/ },
  { args: ["--output", "absent/a.sif"], exit: 12, message: /cannot write/ },
] as const;
for (const { args, exit, message } of wrong) {
  test(`sign refuses ${args.join(" ")}, and the file stays`, async (t) => {
    const setup = await setUp(t, alice);
    assertFailure(await setup.run(["sign", ...args, "app.sif"]), exit, message);
    await assertUnchanged(setup);
  });
}

test("one group or object is signed where that is asked for", async (t) => {
  const setup = await setUp(t, alice);
  assert.equal((await setup.run(["sign", "--group", "1", "app.sif"])).exitCode, 0);
  assert.equal((await setup.run(["sign", "--object", "1", "app.sif"])).exitCode, 0);
  const [group, object] = await signatures(setup, "app.sif");
  assert.deepEqual(group?.covers.missing, []);
  assert.deepEqual(object?.covers.objects, [1]);
  assert.notDeepEqual(object.covers.missing, []);
});

test("what is no SIF, or not there, is not signed", async (t) => {
  const setup = await setUp(t, alice);
  await writeFile(join(setup.directory, "text.sif"), "text");
  assertFailure(await setup.run(["sign", "text.sif"]), 7, /SIF/);
  assert.equal(await readFile(join(setup.directory, "text.sif"), "utf8"), "text");
  assertFailure(await setup.run(["sign", "absent.sif"]), 3, /absent\.sif: no such file/);
  assertFailure(await setup.run(["sign", "./store"]), 4, /expected a regular file/);
  assertFailure(await setup.run(["sign", "other:1"]), 3, /no such image/);
});

test("a stored image that is named by its tag gives its names to the signed one", async (t) => {
  const setup = await setUp(t, alice);
  const { exitCode, stdout, stderr } = await setup.run(["sign", setup.name]);
  assert.equal(exitCode, 0, stderr.join("\n"));
  assert.match(stdout, /: signed by [0-9a-f]{40} \(Alice <.*>\), as a new image\n/);
  const id = /^ {2}id +([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? "";
  assert.match(stdout, new RegExp(`^ {2}was +${setup.id}$`, "m"));
  assert.match(stderr.join("\n"), /the next pull of this name brings the image without the sig/);
  const shown = JSON.parse((await setup.run(["inspect", "--json", setup.name])).stdout) as {
    readonly id: string;
    readonly path: string;
    readonly names: { readonly digests?: readonly string[] };
  };
  assert.equal(shown.id, id);
  assert.equal(await hashOf(shown.path), id);
  assert.equal((await signatures(setup, setup.name))[0]?.verdict, "valid");
  // The old one is still there, whole, without the name.
  assert.equal((await setup.run(["fsck", "--deep"])).exitCode, 0);
  assert.equal((await signatures(setup, setup.id)).length, 0);
  assert.equal((await pullHere(setup.directory, setup.name)).id, setup.id);
});

test("a stored image that is named by its id keeps its names, and the signed one has none", async (t) => {
  const setup = await setUp(t, alice);
  const { stdout, stderr } = await setup.run(["sign", setup.id.slice(0, 12)]);
  assert.deepEqual(stderr, []);
  assert.doesNotMatch(stdout, /^ {2}name/m);
  const id = /^ {2}id +([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? "";
  assert.match((await setup.run(["path", setup.name])).stdout, new RegExp(setup.id));
  assert.equal((await signatures(setup, id))[0]?.verdict, "valid");
});

test("a file of this host is signed where it lies, whatever it is named by", async (t) => {
  const setup = await setUp(t, alice);
  const name = `local.file${setup.file}`;
  assert.equal((await setup.run(["pull", name])).exitCode, 0);
  assert.equal((await setup.run(["sign", name])).exitCode, 0);
  assert.notEqual(await hashOf(setup.file), setup.id);
  assert.equal((await signatures(setup, "app.sif"))[0]?.verdict, "valid");
});

test("a stored file that the disk has changed is not signed", async (t) => {
  const setup = await setUp(t, alice);
  const path = join(setup.directory, "store/images", `${setup.id}.sif`);
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await chmod(path, 0o600);
  await writeFile(path, bytes);
  assertFailure(await setup.run(["sign", setup.name]), 6, /expected sha256 [0-9a-f]{64}, got/);
  const images = JSON.parse((await setup.run(["images", "--json"])).stdout) as readonly unknown[];
  assert.equal(images.length, 1);
});

test("where signatures are required, names do not move to an image that nobody trusted signed", async (t) => {
  const setup = await setUp(t, alice);
  const config = join(setup.directory, "config.yaml");
  const variables = { SIFLET_STORE: "store", SIFLET_CONFIG: config };
  await writeFile(config, `trust:\n  mode: required\n  signers: ["${"0".repeat(40)}"]\n`);
  const refused = await setup.run(["sign", setup.name], { variables });
  assertFailure(refused, 15, /./);
  assert.match((await setup.run(["path", setup.name])).stdout, new RegExp(setup.id));
  const listed = await setup.run(["key", "list", "--json"]);
  const [key] = JSON.parse(listed.stdout) as readonly { readonly fingerprint: string }[];
  await writeFile(config, `trust:\n  mode: required\n  signers: ["${key?.fingerprint ?? ""}"]\n`);
  const accepted = await setup.run(["sign", setup.name], { variables });
  assert.equal(accepted.exitCode, 0, accepted.stderr.join("\n"));
});
