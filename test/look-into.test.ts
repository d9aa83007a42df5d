import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { pullHere, runHere } from "../src/cli/cli-fixture.ts";
import { makeImage, startRegistry } from "./fixtures/registry/index.ts";
import { tar } from "./fixtures/tar/index.ts";
import { PROGRAM } from "./fixtures/program.ts";

// What `siflet ls` and `siflet cat` print into a pipe that somebody leaves, as processes of their own.

const TIB = 2 ** 40;
const MIB = 2 ** 20;

/** Far below what is read, and some times what a process without work takes. */
const MOST_MEMORY = 200 * MIB;

let directory: Awaited<ReturnType<typeof mkdtempDisposable>>;
let name: string;

before(async () => {
  const numbered = Array.from({ length: 20_000 }, (_, at) => ({ path: `many/file-${at}` }));
  const huge = {
    path: "huge",
    data: "start",
    pax: { "GNU.sparse.size": `${TIB}`, "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,5" },
  };
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: [tar([huge, ...numbered])] }), "1");
  directory = await mkdtempDisposable(join(tmpdir(), "siflet-look-"));
  name = `${registry.host}/app:1`;
  await pullHere(directory.path, name);
});

after(() => directory.remove());

test("ls tells the size of a file of 1 TiB", async () => {
  const { stdout } = await runHere(["ls", "--json", name, "huge"], { directory: directory.path });
  assert.partialDeepStrictEqual(JSON.parse(stdout), [{ path: "/huge", size: TIB }]);
});

test("cat of a file of 1 TiB takes little memory, and ends when its reader leaves", async () => {
  const { child, stdout, stderr } = start("cat", name, "huge");
  const head = await takeBytes(stdout, 64 * MIB);
  assert.ok(head.subarray(0, 5).equals(Buffer.from("start")));
  assert.ok(head.subarray(5).every((byte) => byte === 0));
  assert.ok((await peakMemory(child)) < MOST_MEMORY);
  stdout.destroy();
  const [errors] = await Promise.all([text(stderr), once(child, "close")]);
  assert.deepEqual([errors, child.exitCode], ["", 0]);
});

for (const options of [["-R"], ["-lR"], ["--json", "-R"]]) {
  test(`ls ${options.join(" ")} ends quietly when its reader leaves`, async () => {
    const { child, stdout, stderr } = start("ls", ...options, name);
    assert.ok((await takeBytes(stdout, 1)).length > 0);
    stdout.destroy();
    const [errors] = await Promise.all([text(stderr), once(child, "close")]);
    assert.deepEqual([errors, child.exitCode], ["", 0]);
  });
}

interface Started {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, ["--max-semi-space-size=1", PROGRAM, ...args], {
    env: { ...process.env, SIFLET_STORE: join(directory.path, "store"), MALLOC_ARENA_MAX: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { child, stdout: child.stdout, stderr: child.stderr };
}

/** At least `count` bytes; no more is asked for than what comes with them. */
async function takeBytes(stream: Readable, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < count) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      await once(stream, "readable");
      continue;
    }
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** The most memory that `child` had at once so far, in bytes. */
async function peakMemory({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
