import assert from "node:assert/strict";
import { readdir, readFile, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Info } from "../image/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../../test/fixtures/registry/index.ts";
import { OTHER_COMPRESSORS } from "../../test/fixtures/other-compressors.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { assertFailure, capturedTerminal, newDirectory, pullHere, runHere } from "./cli-fixture.ts";
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

function app(tag: string): string {
  return `${registry.host}/team/app:${tag}`;
}

async function pullApp(directory: string, ...options: readonly string[]): Promise<Info> {
  return await pullHere(directory, app("1.0"), ...options);
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
  const result = await runHere(["pull", "-q", app("1.0")], { directory });
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
  await pullApp(directory, "-F", "-o", "app.sif");
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

test("pull --layout plain adds nothing to the image, and says what it is for", async (t) => {
  const directory = await newDirectory(t);
  const { stdout } = await runHere(["pull", "--layout", "plain", app("1.0")], { directory });
  assert.match(stdout, /\n {2}layout {2}plain\/1: for runtimes that read the OCI configuration\n$/);
  assert.doesNotMatch(stdout, /apptainer run/);
  const listing = await runHere(["ls", "-R", app("1.0")], { directory });
  assert.deepEqual(listing.stdout.split("\n"), ["bin", "bin/sh", "etc", "etc/motd", ""]);
  const profile = { codec: "gzip/1", compression: "gzip", owners: "image", layout: "plain/1" };
  for (const args of [
    ["images", "--json"],
    ["inspect", "--json", app("1.0")],
  ]) {
    const json: unknown = JSON.parse((await runHere(args, { directory })).stdout);
    const [found] = [json].flat() as { profile: unknown }[];
    assert.deepEqual(found?.profile, profile);
  }
  const inspected = await runHere(["inspect", app("1.0")], { directory });
  assert.match(inspected.stdout, /\n {2}profile +gzip\/1, plain\/1, owners image\n/);
});

test("pull --no-store --layout plain writes the bytes that the store would hold", async (t) => {
  const directory = await newDirectory(t);
  const plain = ["--layout", "plain"];
  const args = ["pull", "--no-store", ...plain, "app.sif", app("1.0")];
  const { stdout } = await runHere(args, { directory });
  assert.match(stdout, /\n {2}layout {2}plain\/1: /);
  const { path, id } = await pullApp(directory, ...plain);
  assert.deepEqual(await readFile(join(directory, "app.sif")), await readFile(path));
  assert.notEqual(id, (await pullApp(directory, "--layout", "runtime")).id);
});

test("pull warns where this machine's codec makes other bytes, and shows it afterwards", async (t) => {
  const directory = await newDirectory(t);
  const compressors = OTHER_COMPRESSORS;
  for (const more of [["--quiet"], ["--quiet", "--compression", "gzip"]]) {
    const args = ["pull", ...more, app("1.0")];
    const { exitCode, stdout, stderr } = await runHere(args, { directory, compressors });
    assert.equal(exitCode, 0);
    assert.match(stdout, /\n {2}run {3}apptainer run /);
    assert.equal(stderr.length, 1, stderr.join("\n"));
    assert.match(
      stderr[0] ?? "",
      /^siflet: warning: .*app:1\.0: converted as gzip\/1\+[0-9a-f]{16}, for gzip makes other bytes/,
    );
    const inspected = await runHere(["inspect", app("1.0")], { directory });
    assert.match(
      inspected.stdout,
      /\n {2}profile +gzip\/1\+[0-9a-f]{16}, layout\/1, owners image\n/,
    );
    const removed = await runHere(["rm", app("1.0")], { directory });
    assert.equal(removed.exitCode, 0);
  }
});

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
