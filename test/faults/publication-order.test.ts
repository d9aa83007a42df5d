import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { newDirectory } from "../fixtures/store/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { run } from "../real/index.ts";
import { ModelDisk, parseTrace, type SystemCall } from "./model-disk.ts";
import { PROGRAM } from "../fixtures/program.ts";

interface Traced {
  readonly calls: readonly SystemCall[];
  readonly store: string;
  readonly id: string;
}

/** The calls of all threads of a pull into a store that is there already. */
async function tracePull(t: TestContext): Promise<Traced> {
  const root = await newDirectory(t);
  const store = join(root, "store");
  await using registry = await startRegistry();
  registry.putImage("a", makeImage({ layers: [tar([{ path: "f", data: "first" }])] }), "1");
  registry.putImage("b", makeImage({ layers: [tar([{ path: "f", data: "second" }])] }), "1");
  const command = [process.execPath, PROGRAM, "--store", store, "pull", "--json"];
  await run(command[0] ?? "", [...command.slice(1), `${registry.host}/a:1`]);
  const trace = join(root, "trace");
  const watched =
    "trace=openat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat";
  const output = await run("strace", [
    ...["-f", "-y", "--seccomp-bpf", "-s", "0", "-e", watched, "-o", trace],
    ...[...command, `${registry.host}/b:1`],
  ]);
  const info: unknown = JSON.parse(output);
  assert.ok(typeof info === "object" && info !== null && "id" in info);
  return { calls: parseTrace(await readFile(trace, "utf8")), store, id: String(info.id) };
}

test("a publication writes, syncs, renames, syncs the directory and commits, in that order", async (t) => {
  const { calls, store, id } = await tracePull(t);
  const image = join(store, "images", `${id}.sif`);
  const renamed = calls.findIndex(({ name, to }) => name === "rename" && to === image);
  assert.ok(renamed > 0, "the image gets its name by a rename");
  const from = calls[renamed]?.path ?? "";
  const indexOf = (wanted: (call: SystemCall) => boolean, after: number): number =>
    calls.findIndex((call, index) => index > after && wanted(call));
  const lastWrite = calls.findLastIndex(({ name, path }) => name === "write" && path === from);
  const synced = calls.findLastIndex(
    ({ name, path }, index) => index < renamed && name === "sync" && path === from,
  );
  const isDirectorySync = ({ name, path }: SystemCall): boolean =>
    name === "sync" && path === join(store, "images");
  const directory = indexOf(isDirectorySync, renamed);
  const isCommit = ({ name, path }: SystemCall): boolean =>
    name === "sync" && path === join(store, "siflet.db-wal");
  const commit = indexOf(isCommit, directory);
  assert.ok(lastWrite < synced, "nothing is written after the sync");
  assert.ok(synced < renamed && renamed < directory && directory < commit, "the order");
  const early = calls
    .slice(renamed, directory)
    .some(({ name, path }) => name === "write" && path === join(store, "siflet.db-wal"));
  assert.ok(!early, "nothing is committed before the directory is synced");
  t.diagnostic(
    `write ${lastWrite}, fsync ${synced}, rename ${renamed}, fsync ${directory}, commit ${commit}`,
  );
});

test("whenever the power goes, what is committed is on the disk", async (t) => {
  const { calls, store, id } = await tracePull(t);
  const image = join(store, "images", `${id}.sif`);
  const disk = new ModelDisk();
  let instants = 0;
  let committed = false;
  for (const call of calls) {
    disk.apply(call);
    instants += 1;
    // Once the log of the database is synced after the image has its name, a start may find the record.
    const isCommit = call.name === "sync" && call.path === join(store, "siflet.db-wal");
    committed ||= isCommit && disk.exists(image);
    if (committed) assert.equal(disk.afterPowerLoss(image), "whole", `after call ${instants}`);
  }
  assert.ok(committed);
  t.diagnostic(`${instants} instants tried, 0 losses`);
});
