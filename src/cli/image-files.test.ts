import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempDisposable, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { openStore } from "../store/index.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { noiseBytes } from "../../test/real/index.ts";
import {
  assertFailure,
  capturedTerminal,
  newDirectory,
  pullHere,
  runHere,
  TEST_NOW,
  type CliResult,
  type RunSettings,
} from "./cli-fixture.ts";

const BINARY = noiseBytes("binary", 300_000);
const CAPABILITY = Buffer.of(1, 0, 0, 2, 0, 0x20, 0, 0);

let registry: FakeRegistry;
/** Its store is used by all tests that do not change it. */
let shared: Awaited<ReturnType<typeof mkdtempDisposable>>;

before(async () => {
  registry = await startRegistry();
  const layer = tar([
    { path: "./", mtime: 100 },
    { path: "dir/", mode: 0o2750, uid: 1000, gid: 100, mtime: 1_700_000_000 },
    { path: "dir/binary", data: BINARY, mode: 0o4755, mtime: 1_700_000_001 },
    { path: "dir/deeper/", mode: 0o1777 },
    { path: "dir/deeper/leaf", data: "leaf\n", mode: 0o4644 },
    { path: "dir/link", linkname: "../file" },
    { path: "dir/null", type: "3", devMajor: 1, devMinor: 3, mode: 0o666 },
    { path: "dir/pipe", type: "6" },
    { path: "empty/" },
    {
      path: "file",
      data: "text\n",
      pax: { "SCHILY.xattr.security.capability": CAPABILITY },
    },
    { path: "hostile/" },
    { path: "hostile/\u001b[2Jclear\nline\\", data: "1" },
    { path: Buffer.from("hostile/\xff\t", "latin1"), data: "2" },
    { path: "hostile/\u202etxt.exe", data: "3" },
    { path: "hostile/link", linkname: "\u0007bell" },
    { path: "loop", linkname: "loop" },
    { path: "outside", linkname: "../../../../../../dir" },
    { path: "same", type: "1", linkname: "file" },
  ]);
  registry.putImage("app", makeImage({ layers: [layer], config: {} }), "1");
  shared = await mkdtempDisposable(join(tmpdir(), "siflet-cli-"));
  await pullApp(shared.path);
});

after(async () => {
  await shared.remove();
  await registry[Symbol.asyncDispose]();
});

/** A store that holds the image. */
interface Pulled {
  readonly directory: string;
  /** Of the image's file. */
  readonly path: string;
}

async function pullApp(directory: string): Promise<Pulled> {
  const { path } = await pullHere(directory, name());
  return { directory, path };
}

function name(): string {
  return `${registry.host}/app:1`;
}

async function run(
  command: string,
  args: readonly string[] = [],
  settings: Partial<RunSettings> = {},
): Promise<CliResult> {
  return await runHere([command, name(), ...args], { directory: shared.path, ...settings });
}

test("ls lists a directory, a file by its name, and all below a directory", async () => {
  const root = await run("ls");
  assert.deepEqual([root.exitCode, root.stderr], [0, []]);
  const names = root.stdout.trimEnd().split("\n");
  assert.deepEqual(names, names.toSorted());
  assert.ok(["dir", "file", "loop", ".singularity.d"].every((name) => names.includes(name)));
  const inDirectory = "binary\ndeeper\nlink\nnull\npipe\n";
  for (const path of ["dir", "/dir/", "outside", "dir/deeper/.."]) {
    assert.equal((await run("ls", [path])).stdout, inDirectory, path);
  }
  assert.equal((await run("ls", ["/dir/link"])).stdout, "/dir/link\n");
  const below = "binary\ndeeper\ndeeper/leaf\nlink\nnull\npipe\n";
  assert.equal((await run("ls", ["-R", "dir"])).stdout, below);
});

test("ls -l shows what an inode says", async () => {
  const { stdout } = await run("ls", ["-l", "dir"]);
  assert.deepEqual(stdout.split("\n"), [
    "-rwsr-xr-x   1     0     0     300000 2023-11-14T22:13:21Z binary",
    "drwxrwxrwt   2     0     0          - 1970-01-01T00:00:00Z deeper",
    "lrwxrwxrwx   1     0     0          - 1970-01-01T00:00:00Z link -> ../file",
    "crw-rw-rw-   1     0     0        1,3 1970-01-01T00:00:00Z null",
    "prw-r--r--   1     0     0          - 1970-01-01T00:00:00Z pipe",
    "",
  ]);
  assert.match((await run("ls", ["-lR", "dir/deeper"])).stdout, /^-rwSr--r-- .* 5 .* leaf\n$/);
  assert.match((await run("ls", ["-l"])).stdout, /^drwxr-s--- +3 +1000 +100 .* dir$/m);
});

test("ls --json has all facts, with real paths", async () => {
  const { stdout } = await run("ls", ["--json", "-R", "outside"]);
  const list: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(list));
  assert.equal(stdout.trimEnd().split("\n").length, list.length, "one object a line");
  assert.partialDeepStrictEqual(list, [
    { path: "/dir/binary", type: "file", mode: "4755", uid: 0, gid: 0, links: 1, size: 300_000 },
    { path: "/dir/deeper", type: "directory", mode: "1777" },
    { path: "/dir/deeper/leaf", mtime: "1970-01-01T00:00:00Z" },
    { path: "/dir/link", type: "symlink", target: "../file" },
    { path: "/dir/null", type: "character", device: { major: 1, minor: 3 } },
    { path: "/dir/pipe", type: "fifo" },
  ]);
  const file: unknown = JSON.parse((await run("ls", ["--json", "same"])).stdout);
  assert.partialDeepStrictEqual(file, [
    { path: "/same", links: 2, xattrs: { "security.capability": CAPABILITY.toString("base64") } },
  ]);
  assert.equal((await run("ls", ["--json", "empty"])).stdout, "[]\n");
});

describe("hostile names", () => {
  const raw = ["\u001b[2Jclear\nline\\", "link", "\u202etxt.exe", "\xff\t"];

  test("go into a file as they are", async () => {
    const { stdout } = await run("ls", ["hostile"]);
    // The fixture reads what was written as UTF-8.
    assert.equal(stdout, raw.map((name) => `${name.replace("\xff", "\ufffd")}\n`).join(""));
  });

  test("are escaped on a terminal, and so are targets of links", async () => {
    const stdout = capturedTerminal();
    await run("ls", ["-l", "hostile"], { environment: { stdout } });
    const shown = stdout.text.split("\n").map((line) => line.split(/Z /)[1]);
    assert.deepEqual(shown, [
      String.raw`\x1b[2Jclear\nline\\`,
      String.raw`link -> \x07bell`,
      String.raw`\u{202e}txt.exe`,
      String.raw`\xff\t`,
      undefined,
    ]);
  });

  test("in JSON nothing acts on a terminal, and bytes that are no text are kept", async () => {
    const { stdout } = await run("ls", ["--json", "hostile"]);
    assert.match(stdout, /^[\n -~\ufffd]*$/);
    const list: unknown = JSON.parse(stdout);
    assert.partialDeepStrictEqual(list, [
      { path: `/hostile/${raw[0] ?? ""}` },
      { target: "\u0007bell" },
      { path: `/hostile/${raw[2] ?? ""}` },
      { pathBase64: Buffer.from("/hostile/\xff\t", "latin1").toString("base64") },
    ]);
  });
});

test("cat prints files byte for byte, one after another, and follows links inside", async () => {
  assert.equal(
    (await run("cat", ["file", "/dir/deeper/leaf", "dir/link"])).stdout,
    "text\nleaf\ntext\n",
  );
  const stdout = new CapturedBytes();
  await run("cat", ["outside/binary"], { environment: { stdout } });
  assert.ok(Buffer.concat(stdout.chunks).equals(BINARY));
});

test("cat goes on after a file that is not there, and the first failure decides", async () => {
  const { exitCode, stdout, stderr } = await run("cat", ["nope", "file", "dir", "file"]);
  assert.equal(stdout, "text\ntext\n");
  assert.deepEqual(stderr, [
    'siflet: "nope": no such file in the image',
    'siflet: "dir": expected a regular file, got a directory',
  ]);
  assert.equal(exitCode, 3);
});

const failures = [
  { args: ["ls", "nope"], exitCode: 3, message: /"nope": no such file in the image/ },
  { args: ["ls", "file/x"], exitCode: 2, message: /expected "file" to be a directory/ },
  { args: ["ls", "loop"], exitCode: 7, message: /"loop": expected at most 40 symbolic links/ },
  { args: ["cat", "dir/null"], exitCode: 2, message: /regular file, got a character/ },
  { args: ["cat", "dir/pipe"], exitCode: 2, message: /regular file, got a fifo/ },
  { args: ["cat", "\u001b[2J"], exitCode: 3, message: /^siflet: "[ -~]*": no such file/ },
] as const;

for (const { args, exitCode, message } of failures) {
  test(`${JSON.stringify(args)} is one line and exit code ${exitCode}`, async () => {
    const [command, path] = args;
    assertFailure(await run(command, [path]), exitCode, message);
  });
}

test("a limit of the configuration holds for what is read", async (t) => {
  const directory = await newDirectory(t);
  const config = join(directory, "limits.yaml");
  await using file = await open(config, "wx");
  await file.writeFile("limits:\n  pathDepth: 2\n");
  const { exitCode, stderr } = await run("ls", ["-R", "--config", config]);
  assert.equal(exitCode, 8);
  assert.match(stderr.join("\n"), /pathDepth = 2/);
});

test("a damaged image is refused with what is wrong in it", async (t) => {
  const { directory, path } = await pullApp(await newDirectory(t));
  const { stdout } = await run("inspect", ["--json"], { directory });
  const inspected: unknown = JSON.parse(stdout);
  assert.ok(typeof inspected === "object" && inspected !== null && "partition" in inspected);
  const { offset } = inspected.partition as { readonly offset: number };
  await using file = await open(path, "r+");
  await file.write(Buffer.from("junk"), 0, 4, offset);
  assertFailure(await run("ls", [], { directory }), 7, /squashfs magic/);
});

test("an image without its file fails in one line", async (t) => {
  const { directory, path } = await pullApp(await newDirectory(t));
  await rm(path);
  assertFailure(await run("cat", ["file"], { directory }), 1, /ENOENT/);
});

test("a store that may only be read is enough, and is not changed", async () => {
  const database = join(shared.path, "store", "siflet.db");
  const before = await hashOf(database);
  const environment = {
    openStore: async (store: string, { readOnly }: { readonly readOnly: boolean }) => {
      assert.ok(readOnly, "nothing is opened to be written");
      const now = (): number => TEST_NOW;
      return await openStore({ directory: store, readOnly, host: "test", bootId: "1", now });
    },
  };
  const { stdout } = await run("cat", ["file"], { environment });
  assert.equal(stdout, "text\n");
  const listed = await run("ls", ["dir/deeper"], { environment });
  assert.equal(listed.stdout, "leaf\n");
  assert.equal(await hashOf(database), before);
});

test("a reader that has left ends the work", async () => {
  for (const [command = "", ...args] of [
    ["cat", "dir/binary", "nope"],
    ["ls", "-R"],
    ["ls", "-R", "--json"],
  ]) {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
      },
    });
    const { exitCode, stderr } = await run(command, args, { environment: { stdout } });
    assert.deepEqual([exitCode, stderr], [0, []], "what comes after it is not tried");
  }
});

/** A stream that keeps the bytes written to it. */
class CapturedBytes extends Writable {
  readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    done();
  }
}

async function hashOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
