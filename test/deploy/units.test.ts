import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { run } from "../real/index.ts";

// The units as they are written, judged by systemd's own tools.

const REPOSITORY = resolve(import.meta.dirname, "../..");
const SERVICE = join(REPOSITORY, "deploy/siflet.service");
const SOCKET = join(REPOSITORY, "deploy/siflet.socket");
/** Of 10, for root without any right and with nothing but network and two directories. */
const MOST_EXPOSURE = 1.9;

test("systemd finds nothing wrong in the units", async () => {
  await run("sh", [
    "-c",
    'systemd-analyze verify "$@" 2>&1 | { ! grep .; }',
    "sh",
    SERVICE,
    SOCKET,
  ]);
});

test(`the service is exposed by ${MOST_EXPOSURE} at most`, async () => {
  const words = ["security", "--offline=true", "--no-pager", `--threshold=${MOST_EXPOSURE * 10}`];
  const report = await run("systemd-analyze", [...words, SERVICE]);
  assert.match(report, /Overall exposure level for siflet\.service: [0-9.]+/);
});

test("the service has the flags and variables of the command and of the clone", async () => {
  const unit = await readFile(SERVICE, "utf8");
  const main = await readFile(join(REPOSITORY, "src/main.ts"), "utf8");
  const wrapper = await readFile(join(REPOSITORY, "siflet"), "utf8");
  const [, variables = "", flags = ""] =
    /^#!\/usr\/bin\/env -S (\S+=\S+) node (.+)\n/.exec(main) ?? [];
  assert.ok(flags.includes("--max-semi-space-size"));
  assert.ok(unit.includes(`\nExecStart=/usr/bin/env node ${flags} /`));
  assert.ok(unit.includes(`\nEnvironment=${variables}\n`));
  assert.ok(wrapper.includes(`\nexport ${variables}\n`));
  assert.ok(wrapper.includes(`"$node" ${flags} "`));
});
