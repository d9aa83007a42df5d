import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { dockerFiles, tarOf } from "../../test/fixtures/archive/index.ts";
import { makeImage } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { Info } from "../image/index.ts";
import { assertFailure, newDirectory, runHere, type CliResult } from "./cli-fixture.ts";
import { EXIT } from "./exit-codes.ts";

const image = makeImage({ layers: [tar([{ path: "a" }])], compression: "none" });
const named = tarOf(dockerFiles([{ image, tags: ["team/app:1"] }]));
const nameless = tarOf(dockerFiles([{ image }]));

async function withArchive(t: TestContext, bytes: Uint8Array = named): Promise<string> {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "app.tar"), bytes);
  return directory;
}

function infoOf(result: CliResult): Info {
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  return Info.fromJSON(JSON.parse(result.stdout));
}

describe("pull of an archive", () => {
  test("takes paths from the working directory, and tells how to find the image", async (t) => {
    const directory = await withArchive(t);
    const result = await runHere(["pull", "docker-archive:app.tar"], { directory });
    assert.equal(result.exitCode, 0, result.stderr.join("\n"));
    assert.match(result.stdout, /^docker-archive:app\.tar\n/);
    assert.match(result.stdout, /apptainer run \$\(siflet path team\/app:1\)/);
    const path = await runHere(["path", "team/app:1"], { directory });
    assert.match(path.stdout, /\.sif\n$/);
    const json = await runHere(["inspect", "--json", "team/app:1"], { directory });
    assert.match(json.stdout, /"sideLoaded": ?true/);
  });

  test("without names is found by its id", async (t) => {
    const directory = await withArchive(t, nameless);
    const result = await runHere(["pull", "docker-archive:app.tar"], { directory });
    assert.match(result.stdout, /\(siflet path [0-9a-f]{64}\)/);
  });

  test("--name gives it names of the caller's", async (t) => {
    const directory = await withArchive(t);
    const names = ["--name", "mine:1", "--name", "registry.example/b:2"];
    const args = ["pull", "--json", ...names, "docker-archive:app.tar"];
    const info = infoOf(await runHere(args, { directory }));
    assert.deepEqual(info.ref.tags(), ["mine:1", "registry.example/b:2"]);
  });

  test("--no-store calls the file after the archive and the image", async (t) => {
    const directory = await withArchive(t);
    for (const reference of ["docker-archive:app.tar", "docker-archive:app.tar:team/app:1"]) {
      infoOf(await runHere(["pull", "--json", "--no-store", reference], { directory }));
    }
    infoOf(await runHere(["pull", "--json", "x.sif", "docker-archive:./app.tar"], { directory }));
    const files = (await readdir(directory)).filter((name) => name.endsWith(".sif"));
    assert.deepEqual(files.toSorted(), ["app.sif", "app_1.sif", "x.sif"]);
  });

  test("- is an archive on standard input", async (t) => {
    const directory = await newDirectory(t);
    for (const [input, reference] of [
      [named, "-"],
      [gzipSync(named), "docker-archive:-:team/app:1"],
    ] as const) {
      const stdin = Readable.from([input.subarray(0, 100), input.subarray(100)]);
      const run = { directory, environment: { stdin } };
      const info = infoOf(await runHere(["pull", "--json", reference], run));
      assert.deepEqual(info.ref.tags(), ["team/app:1"]);
    }
  });

  test("ends when it is told to while it waits for standard input", async (t) => {
    const directory = await newDirectory(t);
    const controller = new AbortController();
    const stdin = new Readable({
      read() {
        controller.abort();
      },
    });
    const environment = { stdin };
    const run = { directory, environment, signal: controller.signal };
    const result = await runHere(["pull", "-"], run);
    assert.notEqual(result.exitCode, 0);
    assert.deepEqual(await readdir(join(directory, "store/tmp")), []);
  });
});

const refusals = [
  {
    name: "a terminal as standard input",
    args: ["-"],
    stdin: Object.assign(Readable.from([]), { isTTY: true }),
    exit: EXIT.usage,
    message: /got a terminal/,
  },
  {
    name: "no file's name",
    args: ["--no-store", "-"],
    exit: EXIT.usage,
    message: /name of a file/,
  },
  {
    name: "a name for an image of a registry",
    args: ["--name", "b:1", "127.0.0.1:1/a"],
    exit: EXIT.usage,
    message: /--name/,
  },
  {
    name: "a digest as a name",
    args: ["--name", `b@sha256:${"0".repeat(64)}`, "docker-archive:app.tar"],
    exit: EXIT.usage,
    message: /without a digest/,
  },
  {
    name: "an image that is not there",
    args: ["docker-archive:app.tar:b"],
    exit: EXIT.notFound,
    message: /it holds docker-archive:.*app\.tar:team\/app:1$/,
  },
  {
    name: "an archive that is none",
    args: ["oci-archive:app.tar"],
    exit: EXIT.badImage,
    message: /oci-layout/,
  },
  {
    name: "a directory as an archive",
    args: ["oci-archive:."],
    exit: EXIT.denied,
    message: /regular file/,
  },
  {
    name: "a daemon",
    args: ["docker-daemon:app:1"],
    exit: EXIT.unsupported,
    message: /docker save/,
  },
] as const;

for (const { name, args, exit, message, ...more } of refusals) {
  test(`pull refuses ${name}`, async (t) => {
    const directory = await withArchive(t);
    const environment = "stdin" in more ? { stdin: more.stdin } : {};
    const result = await runHere(["pull", ...args], { directory, environment });
    assertFailure(result, exit, message);
  });
}
