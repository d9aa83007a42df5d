import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { runHere } from "../../src/cli/cli-fixture.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { newDirectory } from "../fixtures/store/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { run } from "../real/index.ts";
import { runToMark } from "./marked-siflet.ts";
import { Place } from "./place.ts";
import { passedCalls, runToCall } from "./system-calls.ts";
import { PROGRAM } from "../fixtures/program.ts";

/** Which call fails how, the first to the so-manieth time in any thread. */
const FAULTS = [
  { call: "pwrite64", error: "EIO", times: 8 },
  { call: "pwrite64", error: "ENOSPC", times: 8 },
  { call: "fsync", error: "EIO", times: 3 },
  { call: "fdatasync", error: "EIO", times: 4 },
  { call: "ftruncate", error: "EIO", times: 2 },
] as const;

/** Exit codes that a failing disk may end with: no space, the store, the output. */
const CODED = [9, 10, 12];

test("a pull on a disk that fails a write ends with a code, and the store is whole", async (t) => {
  await run("strace", ["-V"]);
  await using registry = await startRegistry();
  const layers = [1, 2].map((n) => tar([{ path: `f${n}`, data: `${n}`.repeat(300_000) }]));
  registry.putImage("large", makeImage({ layers }), "1");
  registry.putImage("small", makeImage({ layers: [tar([{ path: "f", data: "s" }])] }), "1");
  const site = await newDirectory(t);
  await runHere(["pull", `${registry.host}/small:1`], { directory: site });
  let failures = 0;
  let pulled = 0;
  for (const { call, error, times } of FAULTS) {
    for (let when = 1; when <= times; when += 1) {
      const directory = await newDirectory(t);
      await cp(join(site, "store"), join(directory, "store"), { recursive: true });
      const { exitCode, stderr } = await pullWithFault(
        ["--store", join(directory, "store"), "pull", "--quiet", `${registry.host}/large:1`],
        `inject=${call}:error=${error}:when=${when}`,
      );
      const what = `${call} ${error} ${when}: exit code ${exitCode}: ${stderr}`;
      assert.ok(exitCode === 0 || CODED.includes(exitCode), what);
      if (exitCode === 0) pulled += 1;
      else failures += 1;
      const repaired = await runHere(["fsck", "--deep", "--repair"], { directory });
      assert.equal(repaired.exitCode, 0, `${what}: ${repaired.stdout}`);
      const small = await runHere(["inspect", `${registry.host}/small:1`], { directory });
      assert.equal(small.exitCode, 0, what);
    }
  }
  assert.ok(failures > 0);
  t.diagnostic(`${failures} pulls failed, ${pulled} did not need the call, 0 losses`);
});

/** Calls of the threads that convert. */
const CONVERSION = [
  "write /packs/.siflet-*/*.pack",
  "write /tmp/*/additions.pack",
  "writeSync /tmp/*/image.sif",
  "datasync /tmp/*/image.sif",
];

for (const name of CONVERSION) {
  test(`a pull that cannot ${name} says so with a code`, async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "s" }])] }), "1");
    const place = await Place.in(await newDirectory(t));
    const args = ["pull", "--platform", "linux/amd64", `${registry.host}/app:1`];
    const broken = await runToMark(place, args, { name, count: 1, instant: "EIO" });
    assert.match(broken.stderr, /^siflet: cannot write .*: EIO/m);
    assert.equal(broken.exitCode, 12);
    await place.must(...args);
  });
}

test("a pull whose temporary files cannot be removed is a pull all the same", async (t) => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "s" }])] }), "1");
  const place = await Place.in(await newDirectory(t));
  const args = ["pull", "--platform", "linux/amd64", `${registry.host}/app:1`];
  for (const name of ["rm /tmp/*", "rm /packs/.siflet-*"]) {
    const { exitCode, stderr } = await runToMark(place, args, { name, count: 1, instant: "EIO" });
    assert.equal(exitCode, 0, stderr);
    assert.match(await place.must("images"), /app:1/);
    await place.must("rm", `${registry.host}/app:1`);
  }
});

test("a new database that cannot be written to its end is none", async (t) => {
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([{ path: "f", data: "s" }])] }), "1");
  const place = await Place.in(await newDirectory(t));
  const args = ["pull", "--platform", "linux/amd64", `${registry.host}/app:1`];
  const calls = await passedCalls(place, args);
  for (const name of ["pwrite64", "fsync"]) {
    await rm(place.store, { recursive: true });
    const last = calls.findLast(({ call, path }) => call === name && path === "new.db");
    assert.ok(last !== undefined);
    const { exitCode, stderr } = await runToCall(place, args, last, "EIO");
    assert.match(stderr, /disk I\/O error/);
    assert.equal(exitCode, 10, name);
    await place.must(...args);
    const names = await readdir(place.store);
    assert.ok(!names.some((each) => each.includes("damaged")), names.join());
    assert.deepEqual(await readdir(join(place.store, "tmp")), []);
  }
});

async function pullWithFault(
  args: readonly string[],
  fault: string,
): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const call = /=(\w+):/.exec(fault)?.[1] ?? "";
  const tracing = ["-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", fault];
  return await new Promise((done) => {
    execFile("strace", [...tracing, process.execPath, PROGRAM, ...args], (error, _out, stderr) => {
      done({ exitCode: error === null ? 0 : Number(error.code), stderr });
    });
  });
}
