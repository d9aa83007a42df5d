import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeImage, startRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { assertFailure, BARE_HOST, newDirectory, pullHere, runHere } from "./cli-fixture.ts";

// On a machine with nothing on it; test/bundle.test.ts and its like make bundles on this one.

const rows: readonly { readonly args: readonly string[]; readonly message: RegExp }[] = [
  { args: [], message: /expected REF and DIR, or --delete DIR/ },
  { args: ["app:1"], message: /expected REF and DIR/ },
  { args: ["app:1", ""], message: /expected REF and DIR/ },
  { args: ["--delete", ""], message: /--delete: expected a directory/ },
  { args: ["--delete", "box", "app:1"], message: /--delete DIR goes with --json alone/ },
  { args: ["--delete", "box", "--writable"], message: /--delete DIR goes with --json alone/ },
  {
    args: ["--delete", "box", "--network", "host"],
    message: /--delete DIR goes with --json alone/,
  },
  { args: ["--mount", "nfs", "app:1", "box"], message: /--mount/ },
  { args: ["--network", "bridge", "app:1", "box"], message: /--network/ },
  { args: ["--hostname", "a b", "app:1", "box"], message: /--hostname: expected letters/ },
  { args: ["--hostname", "-a", "app:1", "box"], message: /--hostname: expected letters/ },
  { args: ["--hostname", "a".repeat(65), "app:1", "box"], message: /--hostname: expected letters/ },
  { args: ["--workdir", "srv", "app:1", "box"], message: /--workdir: expected an absolute path/ },
  { args: ["--env", "=x", "app:1", "box"], message: /--env: expected NAME=value/ },
  { args: ["--bind", "a:b", "app:1", "box"], message: /--bind "a:b": expected/ },
];

for (const { args, message } of rows) {
  test(`siflet bundle ${args.join(" ")} is no command line`, async (t) => {
    const directory = await newDirectory(t);
    assertFailure(await runHere(["bundle", ...args], { directory }), 2, message);
    assert.deepEqual(await readdir(directory), []);
  });
}

test("a bundle of no image is not made", async (t) => {
  const directory = await newDirectory(t);
  assertFailure(
    await runHere(["bundle", "app:1", "box"], { directory }),
    3,
    /app:1: no such image/,
  );
  assert.deepEqual(await readdir(directory), []);
});

test("a machine on which no bundle can be made says why, and the image is not kept", async (t) => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "1" }])] }), "1");
  const directory = await newDirectory(t);
  const name = `${registry.host}/app:1`;
  await pullHere(directory, name);
  const words = ["bundle", "--any-architecture", "--user", "0:0", name, "box", "--", "f"];
  const made = await runHere(words, { directory });
  assertFailure(made, 2, /no bundle without root: the kernel has no user namespaces/);
  assert.deepEqual(await readdir(directory), ["store"]);
  assert.equal((await runHere(["rm", name], { directory })).exitCode, 0);
});

test("deleting what is not there is fine, and said", async (t) => {
  const directory = await newDirectory(t);
  const plain = await runHere(["bundle", "--delete", "box"], { directory });
  assert.deepEqual([plain.exitCode, plain.stdout], [0, ""]);
  assert.match(plain.stderr[0] ?? "", /box: there is no bundle$/);
  const json = await runHere(["bundle", "--json", "--delete", "box"], { directory });
  assert.deepEqual(JSON.parse(json.stdout), {
    bundle: join(directory, "box"),
    deleted: false,
    id: null,
  });
});

test("a directory that is no bundle is not deleted", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "box"));
  await writeFile(join(directory, "box/config.json"), "{}");
  const host = { userId: process.geteuid?.() ?? 0 };
  const environment = {
    openHost: () => Promise.resolve({ ...BARE_HOST, ...host }),
  };
  const result = await runHere(["bundle", "--delete", "box"], { directory, environment });
  assertFailure(result, 12, /this directory is no bundle of ours, and stays as it is/);
  assert.deepEqual(await readdir(join(directory, "box")), ["config.json"]);
});
