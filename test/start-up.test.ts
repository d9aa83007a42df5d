import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { PROGRAM } from "./fixtures/program.ts";

// gRPC takes 150 ms to load, and the log 25: only who speaks it, or writes one, may.

const root = resolve(import.meta.dirname, "..");
const GRPC = /^loads @(connectrpc|bufbuild)\//m;
const LOG = /^loads pino$/m;

async function packagesOf(...words: readonly string[]): Promise<string> {
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-start-"));
  const { stderr } = spawnSync(
    process.execPath,
    [
      `--import=${join(root, "test/fixtures/note-packages.ts")}`,
      "--disable-warning=ExperimentalWarning",
      PROGRAM,
      "--store",
      join(directory.path, "store"),
      ...words,
    ],
    { env: { PATH: process.env["PATH"], HOME: directory.path }, encoding: "utf8" },
  );
  return stderr;
}

describe("the daemon's packages", () => {
  for (const words of [
    ["images"],
    ["--help"],
    ["serve", "--help"],
    ["pull", "127.0.0.1:1/app:1"],
    ["doctor"],
  ]) {
    test(`are not loaded by siflet ${words.join(" ")}`, async () => {
      const packages = await packagesOf(...words);
      assert.match(packages, /^loads commander$/m);
      assert.doesNotMatch(packages, GRPC);
      assert.doesNotMatch(packages, LOG);
    });
  }

  test("gRPC is loaded by siflet pulls, which speaks it, and the log is not", async () => {
    const packages = await packagesOf("pulls");
    assert.match(packages, GRPC);
    assert.doesNotMatch(packages, LOG);
  });

  test("both are loaded by siflet serve", async () => {
    // A socket that cannot be made ends it: the kernel takes no such path.
    const packages = await packagesOf("serve", "--socket", `/${"long/".repeat(30)}such.sock`);
    assert.match(packages, GRPC);
    assert.match(packages, LOG);
  });
});
