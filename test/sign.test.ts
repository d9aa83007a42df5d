import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { before, test, type TestContext } from "node:test";
import { newDirectory, runHere, type CliResult } from "../src/cli/cli-fixture.ts";
import { DATA_TYPES, readSif } from "../src/sif/index.ts";
import { signFile, type Signing } from "../src/signed/index.ts";
import { parseKeys, type Certificate } from "../src/signing/index.ts";
import {
  makeSif,
  metadataText,
  never,
  sourceOf,
  startGpg,
  type Gpg,
} from "../src/signing/signing-fixture.ts";

// What `siflet sign` writes with keys of GnuPG, GnuPG verifies; and what happens to the file on the way.

let gpg: Gpg;
let key: Certificate;
let fingerprint = "";

before(async (t) => {
  gpg = await startGpg(t as never);
  fingerprint = await gpg.makeKey("Alice <alice@example.test>");
  const [found] = await parseKeys(await gpg.run("--export-secret-keys", fingerprint), "gpg");
  assert.ok(found);
  key = found;
});

interface Place {
  readonly directory: string;
  readonly file: string;
  readonly original: Uint8Array;
}

async function setUp(t: TestContext): Promise<Place> {
  const directory = await newDirectory(t);
  const file = join(directory, "app.sif");
  const original = makeSif();
  await writeFile(file, original, { mode: 0o755 });
  return { directory, file, original };
}

function signing(): Signing {
  return { signer: { kind: "openpgp", key }, parts: undefined, now: Date.now() };
}

async function run(directory: string, ...args: readonly string[]): Promise<CliResult> {
  const result = await runHere(args, { directory, environment: { now: Date.now } });
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  return result;
}

for (const algorithm of ["ed25519", "rsa3072"]) {
  test(`GnuPG verifies what siflet sign writes with its key (${algorithm})`, async (t) => {
    const { directory, file, original } = await setUp(t);
    const user = `Own <own-${algorithm}@example.test>`;
    const own = await gpg.makeKey(user, algorithm);
    const keys = join(directory, "keys");
    await writeFile(keys, await gpg.run("--armor", "--export-secret-keys", own));
    await run(directory, "key", "import", keys);
    await run(directory, "sign", file);
    const bytes = await readFile(file);
    const { descriptors } = await readSif(sourceOf(bytes), never);
    const [signature] = descriptors.filter(({ dataType }) => dataType === DATA_TYPES.signature);
    assert.ok(signature !== undefined);
    const text = join(directory, "signature");
    const { offset, size } = signature;
    await writeFile(text, bytes.subarray(offset, offset + size));
    const status = String(await gpg.run("--status-fd", "1", "--verify", text));
    assert.match(status, new RegExp(`VALIDSIG ${own.toUpperCase()}`));
    const plain = String(await gpg.run("--decrypt", text));
    assert.equal(plain.trimEnd(), await metadataText(original, 1));
  });
}

test("GnuPG verifies what a key signs that siflet made and exported", async (t) => {
  const { directory, file } = await setUp(t);
  const other = await startGpg(t);
  const who = ["--name", "Carol", "--email", "carol@example.test", "--no-passphrase"];
  const carol = (await run(directory, "key", "new", ...who)).stdout.slice(0, 40);
  const exported = join(directory, "carol.asc");
  await writeFile(exported, (await run(directory, "key", "export", carol)).stdout);
  await other.run("--import", exported);
  await run(directory, "sign", file);
  const bytes = await readFile(file);
  const { descriptors } = await readSif(sourceOf(bytes), never);
  const signature = descriptors.at(-1);
  assert.ok(signature?.dataType === DATA_TYPES.signature);
  const text = join(directory, "signature");
  await writeFile(text, bytes.subarray(signature.offset, signature.offset + signature.size));
  const status = String(await other.run("--status-fd", "1", "--verify", text));
  assert.match(status, new RegExp(`VALIDSIG ${carol.toUpperCase()}`));
});

test("a file that somebody else changes while it is signed stays what he made of it", async (t) => {
  const { file, original } = await setUp(t);
  const { signer, now } = signing();
  let change: Promise<void> | undefined;
  const changing: Signing = {
    signer,
    now,
    // Asked for when the file was looked at, and before it is put in place.
    get parts() {
      change ??= appendFile(file, "more");
      return undefined;
    },
  };
  await assert.rejects(signFile(file, { kind: "in-place" }, changing, never), {
    code: "LOCAL_FILE_REFUSED",
    message: /expected a file that stays as it is while it is signed/,
  });
  await change;
  assert.deepEqual(await readFile(file), Buffer.concat([original, Buffer.from("more")]));
});

test("whoever signs one file at the same time as others leaves their signatures in it", async (t) => {
  const { file } = await setUp(t);
  const ids = Array.from({ length: 4 }, () =>
    signFile(file, { kind: "in-place" }, signing(), never),
  );
  await Promise.all(ids);
  const { descriptors } = await readSif(sourceOf(await readFile(file)), never);
  const found = descriptors.filter(({ dataType }) => dataType === DATA_TYPES.signature);
  assert.equal(found.length, 4);
});

test("signing that is aborted leaves the file as it was, and nothing beside it", async (t) => {
  const { directory, file, original } = await setUp(t);
  const reason = new Error("stop");
  const aborted = AbortSignal.abort(reason);
  await assert.rejects(
    signFile(file, { kind: "in-place" }, signing(), aborted),
    (error) => error === reason,
  );
  assert.deepEqual(await readFile(file), Buffer.from(original));
  assert.deepEqual(await readdir(directory), ["app.sif"]);
});

test("a process that is killed while it signs leaves the file as it was; the next one clears up", async (t) => {
  const { directory, file, original } = await setUp(t);
  const script = `
    const { signFile } = await import(process.argv[1]);
    // Asked for when the copy is made and its signature is not.
    const signer = { get kind() { process.kill(process.pid, "SIGKILL"); } };
    const signing = { signer, parts: undefined, now: Date.now() };
    await signFile(process.argv[2], { kind: "in-place" }, signing, new AbortController().signal);`;
  const module = join(import.meta.dirname, "../src/signed/index.ts");
  const args = ["--input-type=module", "-e", script, module, file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  await once(child, "close");
  assert.equal(child.signalCode, "SIGKILL");
  assert.deepEqual(await readFile(file), Buffer.from(original));
  assert.equal((await readdir(directory)).length, 2, "what the dead process was at is there");
  await signFile(file, { kind: "in-place" }, signing(), never);
  assert.deepEqual(await readdir(directory), ["app.sif"]);
});

test("a signed file keeps a mode that lets it be run", async (t) => {
  const { file } = await setUp(t);
  await signFile(file, { kind: "in-place" }, signing(), never);
  assert.equal((await stat(file)).mode & 0o777, 0o755);
});
