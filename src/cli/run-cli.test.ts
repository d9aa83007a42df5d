import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, test } from "node:test";
import type { Info } from "../image/index.ts";
import { openStore } from "../store/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { assertFailure, newDirectory, pullHere, runHere, TEST_NOW } from "./cli-fixture.ts";

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

function app(tag: string): string {
  return `${registry.host}/team/app:${tag}`;
}

async function pullApp(directory: string, ...options: readonly string[]): Promise<Info> {
  return await pullHere(directory, app("1.0"), ...options);
}

test("images lists names, and --json what inspect shows without the partition", async (t) => {
  const directory = await newDirectory(t);
  const { id } = await pullApp(directory);
  await runHere(["pull", app("2.0")], { directory });
  const { stdout } = await runHere(["images"], { directory });
  const [header, first, second, ...rest] = stdout.split("\n");
  assert.match(header ?? "", /^NAME +ID +SIZE +PLATFORM +CREATED +STATE$/);
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
    sideLoaded: false,
    localFiles: [],
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

test("--store names the store before or after the command, and what to run names it", async (t) => {
  const directory = await newDirectory(t);
  const { stdout } = await runHere(["pull", "--store", "a b", app("1.0")], { directory });
  assert.match(stdout, /\$\(siflet path --store 'a b' /);
  const result = await runHere(["--store", "a b", "path", app("1.0")], { directory });
  assert.ok(result.stdout.startsWith(join(directory, "a b/images/")), result.stderr.join("\n"));
  assert.deepEqual(await readdir(directory), ["a b"]);
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
  { name: "no command of config", args: ["config"], message: /expected a command/ },
  { name: "an empty --config", args: ["--config", "", "images"], message: /--config: expected/ },
  { name: "an empty --store", args: ["--store", "", "images"], message: /--store: expected/ },
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
  {
    name: "a store and none",
    args: ["pull", "--store", "s", "--no-store", "a"],
    message: /--store or --no-store/,
  },
  { name: "no jobs", args: ["pull", "--jobs", "0", "a"], message: /1 to 256/ },
] as const;

for (const { name, args, message } of usage) {
  test(`${name} is one line and exit code 2`, async (t) => {
    assertFailure(await runHere(args, { directory: await newDirectory(t) }), 2, message);
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
  for (const name of [
    "",
    "pull",
    "push",
    "login",
    "logout",
    "images",
    "inspect",
    "path",
    "rm",
    "untag",
    "export",
    "ls",
    "cat",
    "bundle",
    "config",
    "config check",
    "config print",
    "doctor",
    "sign",
    "key",
    "key import",
    "key list",
    "key export",
    "key remove",
    "key pull",
    "key new",
  ]) {
    const args = [...name.split(" ").filter((word) => word !== ""), "--help"];
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
