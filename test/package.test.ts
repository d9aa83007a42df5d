import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { VERSION } from "../src/version.ts";
import { makeImage, startRegistry } from "./fixtures/registry/index.ts";
import { tar } from "./fixtures/tar/index.ts";
import { run } from "./real/index.ts";

const root = resolve(import.meta.dirname, "..");

const PROGRAM = `
import { pull, parseRef, normalizedImageRef, Info, Reference, CodedError } from "siflet";
const info: Info = await pull(process.argv[2] ?? "", process.argv[3] ?? "");
const reference: Reference = parseRef("busybox");
const again: Info = Info.fromJSON(JSON.parse(JSON.stringify(info)));
try {
  parseRef("Not/Valid");
} catch (error) {
  if (!(error instanceof CodedError)) throw error;
  console.log(error.code);
}
console.log(reference.toString(), normalizedImageRef("localhost:5000/img"), again.id === info.id);
`;

test("the packed package works and is typed in an empty folder", async () => {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-package-"));
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "packed" }])] }), "1");
  await run(process.execPath, [join(root, "scripts/build.ts")], { cwd: root });
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", work.path], { cwd: root });
  const app = join(work.path, "app");
  await run("mkdir", [app]);
  await writeFile(join(app, "package.json"), '{"private":true,"type":"module"}');
  const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const tarball = join(work.path, `siflet-${VERSION}.tgz`);
  await run("npm", [...install, "--engine-strict=false", tarball], { cwd: app });
  await writeFile(join(app, "program.ts"), PROGRAM);

  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext"];
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  await run(process.execPath, [compiler, ...strict, ...types, "program.ts"], { cwd: app });

  const images = join(work.path, "images");
  const argument = `${registry.host}/app:1`;
  const output = await run(process.execPath, ["program.ts", images, argument], { cwd: app });
  assert.deepEqual(output.trim().split("\n"), [
    "REFERENCE_INVALID",
    "docker.io/busybox:latest localhost:5000/img:latest true",
  ]);

  const command = join(app, "node_modules/siflet/dist/main.js");
  assert.match(
    await readFile(command, "utf8"),
    /^#!\/usr\/bin\/env -S .*node --max-semi-space-size/,
  );
  const siflet = async (...words: readonly string[]): Promise<string> =>
    await run(process.execPath, [command, ...words], { cwd: app });
  assert.equal((await siflet("--version")).trim(), `siflet ${VERSION}`);

  // The command's own store, so that each of its threads is started from the package.
  const inStore = ["--store", join(work.path, "store")];
  const pulled: unknown = JSON.parse(await siflet(...inStore, "pull", "--json", argument));
  const again: unknown = JSON.parse(await siflet(...inStore, "pull", "--json", argument));
  assert.deepEqual(again, pulled);
  assert.equal(await siflet(...inStore, "cat", argument, "/f"), "packed");
  assert.match(await siflet(...inStore, "fsck", "--deep"), /1 image/);
  await siflet(...inStore, "rm", argument);
  assert.equal(await siflet(...inStore, "images", "--json"), "[]\n");
});

test("package.json and the program agree on the version", async () => {
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  assert.ok(typeof manifest === "object" && manifest !== null && "version" in manifest);
  assert.equal(manifest.version, VERSION);
});
