import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, test, type TestContext } from "node:test";
import { Info } from "../image/index.ts";
import { openStore } from "../store/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { capturedTerminal, runHere, TEST_NOW, type CliResult } from "./cli-fixture.ts";
import { Interrupted } from "./interrupted.ts";

const HEX64 = /^[0-9a-f]{64}$/;

let registry: FakeRegistry;
let image: FixtureImage;

before(async () => {
  registry = await startRegistry();
  image = makeImage({
    layers: [
      tar([{ path: "bin/" }, { path: "bin/sh", data: "#!", mode: 0o755 }]),
      tar([{ path: "etc/" }, { path: "etc/motd", data: "hello" }]),
    ],
    config: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"], Labels: { "evil\u001b[2J": "a\nb" } },
  });
  registry.putImage("team/app", image, "1.0");
  registry.putImage("team/app", image, "2.0");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-cli-"));
  t.after(() => directory.remove());
  return directory.path;
}

/** Pulls `team/app:1.0` into the store of `directory`; answers its Info. */
async function pullApp(directory: string, ...options: readonly string[]): Promise<Info> {
  const result = await runHere(["pull", "--json", ...options, app("1.0")], { directory });
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  return Info.fromJSON(JSON.parse(result.stdout));
}

function app(tag: string): string {
  return `${registry.host}/team/app:${tag}`;
}

/** One failure, and nothing on standard output. */
function assertFailure(result: CliResult, exitCode: number, message: RegExp): void {
  const failures = result.stderr.filter((line) => line.startsWith("siflet: "));
  assert.equal(failures.length, 1, result.stderr.join("\n"));
  assert.match(failures[0] ?? "", message);
  assert.equal(result.exitCode, exitCode);
  assert.equal(result.stdout, "");
}

test("pull --json prints the Info as one line, and progress on standard error", async (t) => {
  const directory = await newDirectory(t);
  const result = await runHere(["pull", "--json", app("1.0")], { directory });
  assert.equal(result.exitCode, 0);
  assert.match(result.stdout, /^[^\n]*\n$/);
  const json: unknown = JSON.parse(result.stdout);
  const info = Info.fromJSON(json);
  assert.match(info.id, HEX64);
  assert.deepEqual(json, {
    id: info.id,
    sha256: info.id,
    size: (await stat(info.path)).size,
    path: join(directory, "store/images", `${info.id}.sif`),
    ref: {
      uri: "docker.io",
      tags: [app("1.0")],
      digests: [`${registry.host}/team/app@${image.manifest.digest}`],
    },
    ociConfig: {
      Env: ["PATH=/bin"],
      Cmd: ["/bin/sh"],
      Labels: { "evil\u001b[2J": "a\nb" },
    },
  });
  assert.equal(result.stderr[0], `${app("1.0")}: pulling`);
  assert.ok(result.stderr.includes(`${app("1.0")}: 2 of 2 layers done`));
});

test("pull prints a result for people; --quiet has no progress", async (t) => {
  const directory = await newDirectory(t);
  const result = await runHere(["pull", "--quiet", app("1.0")], { directory });
  assert.deepEqual(result.stderr, []);
  const [title, id, size, file, run] = result.stdout.split("\n");
  assert.equal(title, app("1.0"));
  assert.match(id ?? "", /^ {2}id {4}[0-9a-f]{64}$/);
  assert.match(size ?? "", /^ {2}size {2}[0-9.]+ kB$/);
  assert.match(file ?? "", /^ {2}file {2}\/.*\.sif$/);
  assert.equal(run, `  run   apptainer run $(siflet path ${app("1.0")})`);
});

test("pull draws bars on a terminal and clears them", async (t) => {
  const directory = await newDirectory(t);
  const stderr = capturedTerminal();
  const result = await runHere(["pull", app("1.0")], { directory, environment: { stderr } });
  assert.equal(result.exitCode, 0);
  assert.match(stderr.text, /Looking up/);
  assert.ok(!stderr.text.includes("pulling"), "no lines beside the bars");
});

test("pull writes a file besides the store, and a second pull does not replace it", async (t) => {
  const directory = await newDirectory(t);
  const info = await pullApp(directory, "app.sif");
  const file = join(directory, "app.sif");
  assert.deepEqual(await readFile(file), await readFile(info.path));
  assert.equal((await stat(file)).nlink, 1);
  const asked = registry.requests.length;
  const again = await runHere(["pull", "app.sif", app("2.0")], { directory });
  assertFailure(again, 12, /app\.sif exists already/);
  assert.equal(registry.requests.length, asked, "nothing was fetched");
  await pullApp(directory, "--force", "--output", "app.sif");
});

test("pull takes a dangling link for an existing file", async (t) => {
  const directory = await newDirectory(t);
  await symlink("nowhere", join(directory, "app.sif"));
  assertFailure(await runHere(["pull", "app.sif", app("1.0")], { directory }), 12, /exists/);
});

test("pull refuses a file in a directory that is not there, before it fetches", async (t) => {
  const directory = await newDirectory(t);
  const asked = registry.requests.length;
  const result = await runHere(["pull", "no/app.sif", app("1.0")], { directory });
  assertFailure(result, 12, /cannot write .*no\/app\.sif/);
  assert.equal(registry.requests.length, asked, "nothing was fetched");
});

test("pull --no-store writes the file alone, with the bytes that the store would hold", async (t) => {
  const directory = await newDirectory(t);
  const info = await pullApp(directory, "--no-store");
  assert.equal(info.path, join(directory, "app_1.0.sif"));
  assert.deepEqual(await readdir(directory), ["app_1.0.sif"]);
  const stored = await pullApp(directory);
  assert.equal(info.id, stored.id);
  assert.deepEqual({ ...info.toJSON(), path: "" }, { ...stored.toJSON(), path: "" });
});

test("pull knows the content again under another tag, and other options make another image", async (t) => {
  const directory = await newDirectory(t);
  const { id } = await pullApp(directory);
  const again = await runHere(["pull", "--json", app("2.0")], { directory });
  assert.equal(Info.fromJSON(JSON.parse(again.stdout)).id, id);
  assert.ok(again.stderr.includes(`${app("2.0")}: present already`));
  const zstd = await pullApp(directory, "--compression", "zstd", "--owners", "root");
  assert.notEqual(zstd.id, id);
});

test("images lists names, and --json what inspect shows without the partition", async (t) => {
  const directory = await newDirectory(t);
  const { id } = await pullApp(directory);
  await runHere(["pull", app("2.0")], { directory });
  const { stdout } = await runHere(["images"], { directory });
  const [header, first, second, ...rest] = stdout.split("\n");
  assert.match(header ?? "", /^NAME +ID +SIZE +PLATFORM +CREATED$/);
  assert.match(
    first ?? "",
    new RegExp(`^${app("1.0")}  ${id.slice(0, 12)}  .* kB +linux/amd64 +just now$`),
  );
  assert.equal(second, app("2.0"));
  assert.deepEqual(rest, [""]);
  const list: unknown = JSON.parse((await runHere(["images", "--json"], { directory })).stdout);
  const inspected = await inspectJson(directory, id.slice(0, 6));
  const { partition, ...shared } = inspected;
  assert.deepEqual(list, [shared]);
  assert.ok(partition !== undefined);
});

async function inspectJson(directory: string, text: string): Promise<Record<string, unknown>> {
  const { stdout } = await runHere(["inspect", "--json", text], { directory });
  assert.match(stdout, /^[^\n]*\n$/);
  const json: unknown = JSON.parse(stdout);
  assert.ok(typeof json === "object" && json !== null);
  return { ...json };
}

test("inspect --json tells all that is recorded", async (t) => {
  const directory = await newDirectory(t);
  const info = await pullApp(directory);
  const inspected = await inspectJson(directory, app("1.0"));
  const { contentKey, partition, ...rest } = inspected;
  assert.match(String(contentKey), HEX64);
  const partitionText = JSON.stringify(partition);
  assert.match(partitionText, /^\{"offset":\d+,"size":\d+\}$/);
  assert.deepEqual(rest, {
    ...info.toJSON(),
    names: {
      tags: [app("1.0")],
      digests: [`${registry.host}/team/app@${image.manifest.digest}`],
    },
    platform: "linux/amd64",
    profile: { codec: "gzip/1", compression: "gzip", owners: "image", layout: "layout/1" },
    source: {
      reference: app("1.0"),
      host: registry.host,
      manifestDigest: image.manifest.digest,
      configDigest: image.config.digest,
      layers: image.layers.map(({ digest, size, mediaType }, index) => ({
        digest,
        size,
        mediaType,
        diffId: image.diffIds[index],
      })),
    },
    createdAt: new Date(TEST_NOW).toISOString(),
    lastUsedAt: new Date(TEST_NOW).toISOString(),
    borrowers: [],
    pinned: false,
  });
});

test("inspect shows hostile labels as harmless lines", async (t) => {
  const directory = await newDirectory(t);
  await pullApp(directory);
  const { stdout } = await runHere(["inspect", app("1.0")], { directory });
  assert.match(stdout, /\nStart\n {2}command {6}\["\/bin\/sh"\]\n {2}environment {2}PATH=\/bin\n/);
  assert.match(stdout, /\nLabels\n {2}evil \[2J {2}a b\n/);
  assert.match(stdout, /\nLayers\n {2}1 {2}sha256:[0-9a-f]{64} {2}\d+ B {2}application/);
  assert.ok(!stdout.includes("\u001b"));
});

test("path prints the file of a name, of any spelling, and of an id", async (t) => {
  const directory = await newDirectory(t);
  const { id, path } = await pullApp(directory);
  for (const text of [app("1.0"), `docker://${app("1.0")}`, id, id.slice(0, 3)]) {
    const result = await runHere(["path", text], { directory });
    assert.deepEqual(result, { exitCode: 0, stdout: `${path}\n`, stderr: [] });
  }
});

test("export copies the file, and replaces one only with --force", async (t) => {
  const directory = await newDirectory(t);
  const { path } = await pullApp(directory);
  await writeFile(join(directory, "app.sif"), "mine");
  const refused = await runHere(["export", app("1.0"), "app.sif"], { directory });
  assertFailure(refused, 12, /exists already \(--force replaces it\)/);
  assert.equal(await readFile(join(directory, "app.sif"), "utf8"), "mine");
  const done = await runHere(["export", "--force", app("1.0"), "app.sif"], { directory });
  assert.equal(done.exitCode, 0, done.stderr.join("\n"));
  assert.deepEqual(await readFile(join(directory, "app.sif")), await readFile(path));
});

test("untag removes one name, rm the image with all that are left", async (t) => {
  const directory = await newDirectory(t);
  const { id } = await pullApp(directory);
  await runHere(["pull", app("2.0")], { directory });
  const untagged = await runHere(["untag", app("1.0")], { directory });
  assert.equal(
    untagged.stdout,
    `untagged ${app("1.0")}; image ${id.slice(0, 12)} has 2 names left\n`,
  );
  assertFailure(await runHere(["untag", app("1.0")], { directory }), 3, /no such image/);
  const removed = await runHere(["rm", app("2.0")], { directory });
  assert.equal(
    removed.stdout,
    `removed ${id.slice(0, 12)}\n  ${app("2.0")}\n  ${registry.host}/team/app@${image.manifest.digest}\n`,
  );
  assert.deepEqual(await readdir(join(directory, "store/images")), []);
});

test("rm tries all; the first failure decides the exit code, and each has its line", async (t) => {
  const directory = await newDirectory(t);
  const { id } = await pullApp(directory);
  const result = await runHere(["rm", "nosuch", id, "oci:bad"], { directory });
  assert.match(result.stdout, /^removed /);
  assert.equal(result.exitCode, 3);
  assert.deepEqual(result.stderr, [
    "siflet: nosuch: no such image in the store",
    "siflet: oci:bad: no such image in the store",
  ]);
});

test("looking into a store that is not there makes none", async (t) => {
  const directory = await newDirectory(t);
  const images = await runHere(["images", "--json"], { directory });
  assert.deepEqual(images, { exitCode: 0, stdout: "[]\n", stderr: [] });
  for (const args of [
    ["path", "a"],
    ["inspect", "a"],
    ["rm", "a"],
    ["untag", "a"],
  ]) {
    assertFailure(await runHere(args, { directory }), 3, /there is no store in/);
  }
  assert.deepEqual(await readdir(directory), []);
});

test("an id prefix that fits several images is refused, with their ids", async (t) => {
  const directory = await newDirectory(t);
  const ids = [`abc0${"0".repeat(60)}`, `abc1${"0".repeat(60)}`];
  const options = { host: "test", bootId: "1", now: () => TEST_NOW };
  await using store = await openStore({ directory: join(directory, "store"), ...options });
  for (const id of ids) {
    await using staging = await store.stage();
    const file = join(staging.path, "image.sif");
    await writeFile(file, "sif");
    const platform = { os: "linux", architecture: "amd64" };
    const names = { tags: [], digests: [] };
    const source = { reference: "app", layers: [] };
    await store.publish(
      { file, id, size: 3, names, origin: "sif", platform, source, createdAt: TEST_NOW },
      new AbortController().signal,
    );
  }
  const result = await runHere(["path", "abc"], { directory });
  assertFailure(result, 3, /2 images \(abc0000000000000, abc1000000000000\)$/);
});

const usage = [
  { name: "no command", args: [], message: /expected a command/ },
  {
    name: "an unknown command",
    args: ["pul"],
    message: /unknown command 'pul'.*Did you mean pull/,
  },
  { name: "an unknown option", args: ["pull", "--frce", "a"], message: /'--frce'/ },
  { name: "a missing argument", args: ["inspect"], message: /missing required argument/ },
  { name: "too many arguments", args: ["path", "a", "b"], message: /too many arguments/ },
  { name: "a codec of its own", args: ["pull", "--compression", "xz", "a"], message: /gzip, zstd/ },
  { name: "jobs that are no number", args: ["pull", "--jobs", "many", "a"], message: /1 to 256/ },
  { name: "no jobs", args: ["pull", "--jobs", "0", "a"], message: /1 to 256/ },
] as const;

for (const { name, args, message } of usage) {
  test(`${name} is one line and exit code 2`, async (t) => {
    assertFailure(await runHere(args, { directory: await newDirectory(t) }), 2, message);
  });
}

const failures = [
  { name: "an unknown tag", tag: "3.0", exitCode: 3, message: /3\.0: not found in the registry/ },
  {
    name: "another platform",
    tag: "1.0",
    options: ["--arch", "s390x"],
    exitCode: 3,
    message: /s390x/,
  },
] as const;

for (const { name, tag, exitCode, message, ...row } of failures) {
  test(`pull of ${name} leaves no image`, async (t) => {
    const directory = await newDirectory(t);
    const options = "options" in row ? row.options : [];
    assertFailure(await runHere(["pull", ...options, app(tag)], { directory }), exitCode, message);
    assert.equal((await runHere(["images", "--json"], { directory })).stdout, "[]\n");
  });
}

test("a stack follows the line with --debug alone", async (t) => {
  const directory = await newDirectory(t);
  const plain = await runHere(["path", "a"], { directory });
  assert.equal(plain.stderr.length, 1);
  const debug = await runHere(["--debug", "path", "a"], { directory });
  assert.equal(debug.stderr[0], plain.stderr[0]);
  assert.match(debug.stderr.join("\n"), /\n {4}at /);
});

test("an interruption ends a pull in the middle of a layer, and leaves nothing", async (t) => {
  const directory = await newDirectory(t);
  const asked = Promise.withResolvers<undefined>();
  const held = Promise.withResolvers<undefined>();
  await using slow = await startRegistry({
    async beforeBlob(digest) {
      if (digest !== image.layers[0]?.digest) return;
      asked.resolve(undefined);
      await held.promise;
    },
  });
  slow.putImage("team/app", image, "1.0");
  const controller = new AbortController();
  const args = ["pull", "app.sif", `${slow.host}/team/app:1.0`];
  const running = runHere(args, { directory, signal: controller.signal });
  await asked.promise;
  controller.abort(new Interrupted("SIGTERM"));
  const result = await running;
  held.resolve(undefined);
  assert.equal(result.exitCode, 143);
  assert.equal(result.stderr.at(-1), "siflet: interrupted by SIGTERM");
  assert.deepEqual(await readdir(directory), ["store"]);
  assert.deepEqual(await readdir(join(directory, "store/tmp")), []);
  assert.deepEqual(await readdir(join(directory, "store/images")), []);
  assert.equal((await runHere(["images", "--json"], { directory })).stdout, "[]\n");
});

test("a reader that has left is no failure, a full disk behind standard output is", async (t) => {
  const directory = await newDirectory(t);
  const failing = (code: string): Writable =>
    new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error(`${code}: write`), { code }));
      },
    });
  const left = await runHere(["images"], { directory, environment: { stdout: failing("EPIPE") } });
  assert.deepEqual(left, { exitCode: 0, stdout: "", stderr: [] });
  const full = await runHere(["images"], { directory, environment: { stdout: failing("ENOSPC") } });
  assertFailure(full, 12, /standard output: ENOSPC/);
});

test("--help of every command shows its usage and examples", async (t) => {
  const directory = await newDirectory(t);
  for (const name of ["", "pull", "images", "inspect", "path", "rm", "untag", "export"]) {
    const args = name === "" ? ["--help"] : [name, "--help"];
    const { exitCode, stdout, stderr } = await runHere(args, { directory });
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: [] });
    assert.match(stdout, new RegExp(`^Usage: siflet ${name}`));
    assert.match(stdout, /\nExamples:\n {2}\S/);
    assert.ok(
      stdout.split("\n").every((line) => line.length <= 90),
      name,
    );
  }
  const version = await runHere(["--version"], { directory });
  assert.equal(version.stdout, "siflet 1.2.3\n");
});
