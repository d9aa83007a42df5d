import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Host } from "./host.ts";
import { systemHost } from "./system-host.ts";

const never = new AbortController().signal;

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-doctor-"));
  t.after(() => directory.remove());
  return directory.path;
}

function hostWith(path: string): Host {
  return systemHost({
    variables: { PATH: path },
    userId: 0,
    kernelRelease: "6.1.0",
    nodeVersion: "24.21.0",
    nodeFlags: [],
  });
}

async function script(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

test("what is there is told, and what is not is undefined", async (t) => {
  const directory = await newDirectory(t);
  const host = hostWith("");
  const file = join(directory, "file");
  await writeFile(file, "text");
  await chmod(file, 0o640);
  assert.deepEqual(Buffer.from((await host.read(file)) ?? []), Buffer.from("text"));
  assert.deepEqual(await host.list(directory), ["file"]);
  const facts = await host.facts(file);
  assert.deepEqual([facts?.kind, facts?.size, facts?.mode], ["file", 4, 0o640]);
  assert.equal((await host.facts("/dev/null"))?.kind, "other");
  assert.equal(await host.mayWrite(directory), true);
  const place = await host.fileSystem(directory);
  assert.ok(place !== undefined && place.type > 0 && place.totalBytes >= place.freeBytes);
  const missing = join(directory, "missing");
  assert.equal(await host.read(missing), undefined);
  assert.equal(await host.list(missing), undefined);
  assert.equal(await host.facts(missing), undefined);
  assert.equal(await host.mayWrite(missing), false);
  assert.equal(await host.fileSystem(missing), undefined);
});

test("files without a size are read, and those past 8 MiB are not", async (t) => {
  const host = hostWith("");
  assert.match(Buffer.from((await host.read("/proc/filesystems")) ?? []).toString(), /proc/);
  const file = join(await newDirectory(t), "file");
  await writeFile(file, new Uint8Array(8 * 1024 * 1024));
  assert.equal((await host.read(file))?.length, 8 * 1024 * 1024);
  await writeFile(file, new Uint8Array(8 * 1024 * 1024 + 1));
  assert.equal(await host.read(file), undefined);
});

test("programs are looked for in absolute directories of PATH alone", async (t) => {
  const directory = await newDirectory(t);
  const [first, second] = [join(directory, "1"), join(directory, "2")];
  for (const path of [first, second]) await mkdir(path);
  await mkdir(join(first, "tool"));
  await writeFile(join(first, "data"), "not to be run");
  const tool = await script(second, "tool", "true");
  assert.equal(await hostWith(`:.:1:${first}:${second}`).find("tool"), tool);
  assert.equal(await hostWith(`${first}:${second}`).find("data"), undefined);
  assert.equal(await hostWith("").find("tool"), undefined);
});

test("a program is run with --version, without input, and what fails says nothing", async (t) => {
  const directory = await newDirectory(t);
  const host = hostWith("");
  const good = await script(directory, "good", 'read line; echo "$# $1 $line"; echo noise >&2');
  assert.equal(await host.versionOf(good, never), "1 --version \n");
  const bad = await script(directory, "bad", "echo 1.0; exit 3");
  assert.equal(await host.versionOf(bad, never), undefined);
  const noisy = await script(directory, "noisy", "while echo 0123456789abcdef; do :; done");
  assert.equal(await host.versionOf(noisy, never), undefined);
  assert.equal(await host.versionOf(join(directory, "missing"), never), undefined);
});

test("a program that hangs ends with the run", async (t) => {
  const path = await script(await newDirectory(t), "hangs", "exec sleep 1000");
  const controller = new AbortController();
  const asked = hostWith("").versionOf(path, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
});
