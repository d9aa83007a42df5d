import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { assertFailure, newDirectory, runHere } from "./cli-fixture.ts";

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  const layers = [
    tar([{ path: "bin/" }, { path: "bin/sh", data: "#!", mode: 0o755 }]),
    tar([{ path: "etc/" }, { path: "etc/motd", data: "hello" }]),
  ];
  registry.putImage("team/app", makeImage({ layers }), "1.0");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

/** Writes the configuration of the user of `directory`; answers its path. */
async function writeConfig(directory: string, text: string): Promise<string> {
  const path = join(directory, ".config/siflet/config.yaml");
  await mkdir(join(directory, ".config/siflet"), { recursive: true });
  await writeFile(path, text);
  return path;
}

test("config check says that a file can be used, or each thing that is wrong with it", async (t) => {
  const directory = await newDirectory(t);
  const path = await writeConfig(directory, "jobs: 2\ncache: {maxBytes: 0}\n");
  const good = await runHere(["config", "check"], { directory });
  assert.deepEqual(good, { exitCode: 0, stdout: `${path}: ok, 2 settings\n`, stderr: [] });
  await writeFile(join(directory, "new.yaml"), "jobs: 0\nstor: /a\n");
  const bad = await runHere(["config", "check", "new.yaml"], { directory });
  assert.equal(bad.exitCode, 2);
  assert.equal(bad.stdout, "");
  assert.equal(bad.stderr.length, 2);
  assert.match(bad.stderr[0] ?? "", /^siflet: .*\/new\.yaml:1: jobs: expected a whole number/);
  assert.match(bad.stderr[1] ?? "", /^siflet: .*\/new\.yaml:2: unknown key "stor"/);
});

test("config check without any file says where it looked", async (t) => {
  const directory = await newDirectory(t);
  const { exitCode, stdout } = await runHere(["config", "check"], { directory });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^no configuration file: there is no .*\.config\/siflet\/config\.yaml and /);
});

test("a configuration that was named must be there", async (t) => {
  const directory = await newDirectory(t);
  for (const args of [
    ["--config", "no.yaml", "images"],
    ["config", "check", "no.yaml"],
  ]) {
    assertFailure(await runHere(args, { directory }), 2, /cannot read .*no\.yaml: ENOENT/);
  }
  const environment = { variables: { SIFLET_CONFIG: "no.yaml" } };
  const result = await runHere(["images"], { directory, environment });
  assertFailure(result, 2, /no\.yaml/);
});

test("a user without a home directory is told to name the store, and needs no more", async (t) => {
  const directory = await newDirectory(t);
  const environment = { variables: {}, homeDirectory: undefined };
  for (const args of [["images"], ["pull", "a"], ["config", "print"], ["doctor"]]) {
    assertFailure(
      await runHere(args, { directory, environment }),
      2,
      /home.*--store, SIFLET_STORE/,
    );
  }
  const named = await runHere(["--store", "s", "images", "--json"], { directory, environment });
  assert.deepEqual(named, { exitCode: 0, stdout: "[]\n", stderr: [] });
});

test("config print shows each value and who gave it", async (t) => {
  const directory = await newDirectory(t);
  const path = await writeConfig(directory, "jobs: 3\nlimits:\n  layers: 7\nstore: /file\n");
  const { stdout } = await runHere(["config", "print"], { directory });
  const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["KEY", "VALUE", "FROM"]);
  const found = new Map(rows.map(([key = "", ...rest]) => [key, rest]));
  assert.deepEqual(found.get("store"), [join(directory, "store"), "$SIFLET_STORE"]);
  assert.deepEqual(found.get("jobs"), ["3", `${path}:1`]);
  assert.deepEqual(found.get("limits.layers"), ["7", `${path}:3`]);
  assert.deepEqual(found.get("compression"), ["gzip", "default"]);
  assert.deepEqual(found.get("layout"), ["runtime", "default"]);
});

test("config print --json is one object; --store and --config count", async (t) => {
  const directory = await newDirectory(t);
  await writeConfig(directory, "jobs: 3\n");
  await writeFile(join(directory, "other.yaml"), "plainHttp: [a]\n");
  const args = ["config", "print", "--json", "--store", "s", "--config", "other.yaml"];
  const { stdout, stderr } = await runHere(args, { directory });
  assert.deepEqual(stderr, []);
  assert.match(stdout, /^[^\n]*\n$/);
  const { file, settings } = JSON.parse(stdout) as {
    file: string;
    settings: Record<string, unknown>;
  };
  assert.equal(file, join(directory, "other.yaml"));
  const store = join(directory, "s");
  const flag = { kind: "flag", flag: "--store" };
  assert.deepEqual(settings["store"], { value: store, text: store, origin: flag });
  assert.deepEqual(settings["plainHttp"], {
    value: ["a"],
    text: "[a]",
    origin: { kind: "file", path: file, line: 1 },
  });
  assert.deepEqual(settings["jobs"], { value: 2, text: "2", origin: { kind: "default" } });
});

test("a broken configuration stops every command that needs it, with its line", async (t) => {
  const directory = await newDirectory(t);
  await writeConfig(directory, "\nowner: root\n");
  for (const args of [["images"], ["path", "a"], ["rm", "a"], ["pull", "a"], ["config", "print"]]) {
    assertFailure(await runHere(args, { directory }), 2, /config\.yaml:2: unknown key "owner"/);
  }
  assert.deepEqual(await readdir(directory), [".config"]);
});

test("pull works as the configuration says, and an option beats it", async (t) => {
  const directory = await newDirectory(t);
  const text = `store: ${directory}/mine\ncompression: zstd\nowners: root\nlayout: plain\n`;
  await writeConfig(directory, text);
  const environment = { variables: {} };
  const reference = `${registry.host}/team/app:1.0`;
  const pulled = await runHere(["pull", reference], { directory, environment });
  assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
  const profileOf = async (): Promise<unknown> => {
    const { stdout } = await runHere(["inspect", "--json", reference], { directory, environment });
    return (JSON.parse(stdout) as { profile: unknown }).profile;
  };
  const zstd = { codec: "zstd/1", compression: "zstd", owners: "root", layout: "plain/1" };
  assert.deepEqual(await profileOf(), zstd);
  assert.equal((await readdir(join(directory, "mine/images"))).length, 1);
  // A setting says how images are made, an option which image is wanted.
  await writeConfig(directory, `store: ${directory}/mine\n`);
  const again = await runHere(["pull", reference], { directory, environment });
  assert.ok(again.stderr.includes(`${reference}: present already`));
  await runHere(["pull", "--compression", "gzip", reference], { directory, environment });
  const gzip = { codec: "gzip/1", compression: "gzip", owners: "image", layout: "layout/1" };
  assert.deepEqual(await profileOf(), gzip);
});

test("pull keeps the limits of the configuration", async (t) => {
  const directory = await newDirectory(t);
  await writeConfig(directory, "limits: {layers: 1}\n");
  const result = await runHere(["pull", `${registry.host}/team/app:1.0`], { directory });
  assertFailure(result, 8, /limit layers = 1/);
});

test("a tmpdir of the configuration must be there, and is named by its line", async (t) => {
  const directory = await newDirectory(t);
  const path = await writeConfig(directory, "\ntmpdir: /no/such/directory\n");
  const reference = `${registry.host}/team/app:1.0`;
  const refused = await runHere(["pull", reference], { directory });
  assertFailure(refused, 2, new RegExp(`${path}:2: tmpdir /no/such/directory: expected a dir`));
  const given = await runHere(["pull", "--tmpdir", ".", reference], { directory });
  assert.equal(given.exitCode, 0, given.stderr.join("\n"));
});

test("what to run after a pull names the configuration too", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "c.yaml"), "jobs: 1\n");
  const reference = `${registry.host}/team/app:1.0`;
  const { stdout } = await runHere(["--config", "c.yaml", "pull", reference], { directory });
  assert.match(stdout, /\$\(siflet path --config c\.yaml /);
});
