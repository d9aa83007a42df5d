import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { makeImage, startRegistry, type FixtureImage } from "../test/fixtures/registry/index.ts";
import { tar } from "../test/fixtures/tar/index.ts";
import { PROGRAM } from "../test/fixtures/program.ts";

const FLAGS = ["--max-semi-space-size=1", "--disable-warning=ExperimentalWarning"];

/** What a process left behind. */
interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function smallImage(): FixtureImage {
  return makeImage({
    layers: [tar([{ path: "bin/" }, { path: "bin/sh", data: "#!", mode: 0o755 }])],
    platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" },
  });
}

/** Starts siflet in `directory`, with a store in it. */
function start(
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [...FLAGS, PROGRAM, ...args], {
    cwd: directory,
    env: { ...process.env, SIFLET_STORE: join(directory, "store"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  const [out, err] = await Promise.all([text(stdout), text(stderr), once(child, "close")]);
  return { exitCode: child.exitCode, stdout: out, stderr: err };
}

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-main-"));
  t.after(() => directory.remove());
  return directory.path;
}

test("siflet --version prints the version of package.json", async (t) => {
  const packageText = await readFile(join(import.meta.dirname, "../package.json"), "utf8");
  const { version } = JSON.parse(packageText) as { version: string };
  const result = await ended(start(await newDirectory(t), ["--version"]));
  assert.deepEqual(result, { exitCode: 0, stdout: `siflet ${version}\n`, stderr: "" });
});

test("a pull of a process with the lowest priority keeps it, and is a pull", async (t) => {
  const directory = await newDirectory(t);
  await using registry = await startRegistry();
  registry.putImage("team/app", smallImage(), "1.0");
  // Who is root could take the priority back.
  const denied = process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-all"] : [];
  const words = [...denied, "nice", "-n", "19", process.execPath, ...FLAGS, PROGRAM];
  const pull = ["--store", join(directory, "store"), "pull", `${registry.host}/team/app:1.0`];
  const result = await ended(
    spawn("env", [...words, ...pull], { stdio: ["ignore", "pipe", "pipe"] }),
  );
  assert.equal(result.exitCode, 0, result.stderr);
});

test("siflet pull --json prints one line; images, path and rm know the image", async (t) => {
  const directory = await newDirectory(t);
  await using registry = await startRegistry();
  registry.putImage("team/app", smallImage(), "1.0");
  const name = `${registry.host}/team/app:1.0`;
  const pulled = await ended(start(directory, ["pull", "--json", name]));
  assert.equal(pulled.exitCode, 0, pulled.stderr);
  assert.match(pulled.stdout, /^\{[^\n]*\}\n$/);
  const { path } = JSON.parse(pulled.stdout) as { path: string };
  const shown = await ended(start(directory, ["path", name]));
  assert.deepEqual(shown, { exitCode: 0, stdout: `${path}\n`, stderr: "" });
  const removed = await ended(start(directory, ["rm", name]));
  assert.equal(removed.exitCode, 0, removed.stderr);
  const missing = await ended(start(directory, ["path", name]));
  assert.equal(missing.exitCode, 3);
  assert.equal(missing.stderr, `siflet: ${name}: no such image in the store\n`);
});

test("two processes that pull images with a layer in common fetch and convert it once", async (t) => {
  const directory = await newDirectory(t);
  const shared = tar([{ path: "shared", data: "shared by both" }]);
  const imageOf = (name: string): FixtureImage =>
    makeImage({ layers: [shared, tar([{ path: name, data: name }])] });
  const images = [imageOf("one"), imageOf("two")];
  const [sharedDigest, ...own] = new Set(
    images.flatMap(({ layers }) => layers.map(({ digest }) => digest)),
  );
  const asked: string[] = [];
  const both = Promise.withResolvers<undefined>();
  await using registry = await startRegistry({
    // The common layer comes when both are at work: each has asked for the layer of its own.
    async beforeBlob(digest) {
      asked.push(digest);
      if (own.every((layer) => asked.includes(layer))) both.resolve(undefined);
      if (digest === sharedDigest) await both.promise;
    },
  });
  images.forEach((image, index) => {
    registry.putImage("team/app", image, `${index}`);
  });
  const ends = await Promise.all(
    images.map(async (_, index) => {
      const name = `${registry.host}/team/app:${index}`;
      return await ended(start(directory, ["pull", "--platform", "linux/amd64", name]));
    }),
  );
  for (const { exitCode, stderr } of ends) assert.equal(exitCode, 0, stderr);
  assert.equal(asked.filter((digest) => digest === sharedDigest).length, 1);
  assert.equal((await readdir(join(directory, "store/packs/gzip-1"))).length, 3);
  assert.equal((await readdir(join(directory, "store/images"))).length, 2);
});

test("an empty HOME has no settings of the working directory obeyed", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, ".config/siflet"), { recursive: true });
  await writeFile(join(directory, ".config/siflet/config.yaml"), "plainHttp: [planted]\n");
  const env = { HOME: "", XDG_CONFIG_HOME: "" };
  const { exitCode, stdout } = await ended(start(directory, ["config", "print"], env));
  assert.equal(exitCode, 0);
  assert.doesNotMatch(stdout, /planted/);
});

test("the registries.conf that the environment names blocks a pull", async (t) => {
  const directory = await newDirectory(t);
  await using registry = await startRegistry();
  registry.putImage("team/app", smallImage(), "1.0");
  const conf = join(directory, "registries.conf");
  await writeFile(conf, `[[registry]]\nprefix = "${registry.host}"\nblocked = true\n`);
  const env = { CONTAINERS_REGISTRIES_CONF: conf };
  const name = `${registry.host}/team/app:1.0`;
  const { exitCode, stderr } = await ended(start(directory, ["pull", name], env));
  assert.equal(exitCode, 4);
  assert.match(stderr, /registries\.conf:3: .* is blocked/);
});

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends a pull that waits for bytes, and nothing stays`, async (t) => {
    const directory = await newDirectory(t);
    const asked = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const image = smallImage();
    await using registry = await startRegistry({
      async beforeBlob(digest) {
        if (digest !== image.layers[0]?.digest) return;
        asked.resolve(undefined);
        await held.promise;
      },
    });
    registry.putImage("team/app", image, "1.0");
    const child = start(directory, ["pull", "app.sif", `${registry.host}/team/app:1.0`]);
    const end = ended(child);
    await asked.promise;
    child.kill(signal);
    const { stderr, stdout, ...result } = await end;
    held.resolve(undefined);
    assert.deepEqual({ ...result, stdout }, { exitCode, stdout: "" });
    assert.match(stderr, new RegExp(`(^|\n)siflet: interrupted by ${signal}\n$`));
    assert.deepEqual(await readdir(directory), ["store"]);
    assert.deepEqual(await readdir(join(directory, "store/images")), []);
    assert.deepEqual(await readdir(join(directory, "store/tmp")), []);
  });
}

test("SIGINT ends a credential helper and what it started", { timeout: 60_000 }, async (t) => {
  const directory = await newDirectory(t);
  const helper = join(directory, "docker-credential-slow");
  const script = '#!/bin/sh\n{ echo here; exec sleep 100; } > "$ALIVE" & wait\n';
  await writeFile(helper, script, { mode: 0o755 });
  const alive = join(directory, "alive");
  spawnSync("mkfifo", [alive]);
  await writeFile(join(directory, "auth.json"), '{"credHelpers": {"quay.io": "slow"}}');
  const env = { PATH: `${directory}:${process.env["PATH"] ?? ""}`, ALIVE: alive };
  const child = start(directory, ["logout", "--authfile", "auth.json", "quay.io"], env);
  const end = ended(child);
  for await (const line of createReadStream(alive, "utf8")) {
    assert.equal(line, "here\n");
    child.kill("SIGINT");
  }
  // The pipe has an end: nobody holds it any more.
  assert.equal((await end).exitCode, 130);
});

test("a reader that leaves standard output is no failure", async (t) => {
  const child = start(await newDirectory(t), ["images"]);
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  stdout.destroy();
  const [errors] = await Promise.all([text(stderr), once(child, "close")]);
  assert.deepEqual([errors, child.exitCode], ["", 0]);
});

// `script` lends a terminal to what it runs; it is part of every Debian.
const hasScript = spawnSync("script", ["--version"]).status === 0;

test("on a terminal bars are drawn, and only the result stays", { skip: !hasScript }, async (t) => {
  const directory = await newDirectory(t);
  await using registry = await startRegistry();
  registry.putImage("team/app", smallImage(), "1.0");
  const name = `${registry.host}/team/app:1.0`;
  const command = `stty cols 90 rows 24; exec "$SIFLET_NODE" "$SIFLET_MAIN" pull ${name}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: directory,
    env: {
      ...process.env,
      TERM: "xterm",
      SIFLET_STORE: join(directory, "store"),
      SIFLET_NODE: process.execPath,
      SIFLET_MAIN: PROGRAM,
      NODE_OPTIONS: FLAGS.join(" "),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { exitCode, stdout } = await ended(child);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /Looking up/);
  // What comes after the last escape sequence, which erases the bars.
  const result = stdout.slice(stdout.lastIndexOf("\u001b")).replaceAll("\r", "").split("\n");
  assert.match(result[0] ?? "", new RegExp(`${name}$`));
  assert.match(result[4] ?? "", /^ {2}run {3}apptainer run /);
  assert.deepEqual(result.slice(5), [""]);
});
