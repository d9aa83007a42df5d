import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { link, mkdir, mkdtemp, open, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { contentOf, readTar, type ReadEntry } from "../../test/fixtures/tar/index.ts";

const run = promisify(execFile);

async function gnuTar(cwd: string, args: readonly string[]): Promise<Uint8Array> {
  const options = { cwd, encoding: "buffer", maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await run("tar", ["-cf", "-", "--sort=name", ...args], options);
  return stdout;
}

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "siflet-tar-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function brief(entries: readonly ReadEntry[]): string[] {
  return entries.map((entry) => {
    const name = Buffer.from(entry.path).toString();
    const target = Buffer.from(entry.linkTarget).toString();
    const arrow = target === "" ? "" : ` > ${target}`;
    return `${entry.kind} ${name}${arrow} ${entry.mode.toString(8)} ${entry.mtime} ${entry.size}`;
  });
}

const DEEP = "deep".repeat(20);
const LONG = "long".repeat(50);

const formats = [
  { format: "v7", hasLongNames: false },
  { format: "ustar", hasLongNames: false },
  { format: "gnu", hasLongNames: true },
  { format: "oldgnu", hasLongNames: true },
  { format: "posix", hasLongNames: true },
];

for (const { format, hasLongNames } of formats) {
  test(`TarReader reads what GNU tar writes in format ${format}`, async (t) => {
    const folder = await newFolder(t);
    const root = join(folder, "root");
    await mkdir(join(root, DEEP), { recursive: true });
    await writeFile(join(root, "a"), "x".repeat(3000), { mode: 0o640 });
    await writeFile(join(root, DEEP, "b"), "");
    await link(join(root, "a"), join(root, "c"));
    await symlink("../a", join(root, "s"));
    if (hasLongNames) await symlink(`/${LONG}`, join(root, LONG));
    await utimes(join(root, "a"), 1_600_000_000.75, 1_600_000_000.75);
    const fixed = ["--mtime=@1500000000.5", "--mode=u=rwx,go=rx", "--owner=5:7", "--group=8:9"];
    const archive = await gnuTar(folder, [`--format=${format}`, ...fixed, "root"]);
    const { entries, warnings } = readTar(archive);
    assert.deepEqual(warnings, []);
    const long = `symlink root/${LONG} > /${LONG} 777 1500000000 0`;
    assert.deepEqual(brief(entries), [
      "directory root 755 1500000000 0",
      "file root/a 755 1500000000 3000",
      "hardlink root/c > root/a 755 1500000000 0",
      `directory root/${DEEP} 755 1500000000 0`,
      `file root/${DEEP}/b 755 1500000000 0`,
      ...(hasLongNames ? [long] : []),
      "symlink root/s > ../a 777 1500000000 0",
    ]);
    assert.deepEqual(new Set(entries.map(({ uid, gid }) => `${uid}:${gid}`)), new Set(["7:9"]));
    assert.equal(Buffer.from(contentOf(entries[1] ?? assert.fail())).toString(), "x".repeat(3000));
  });
}

const sparseFormats = [
  ["--format=gnu"],
  ["--format=posix", "--sparse-version=0.0"],
  ["--format=posix", "--sparse-version=0.1"],
  ["--format=posix", "--sparse-version=1.0"],
];

for (const args of sparseFormats) {
  test(`TarReader reads sparse files of GNU tar with ${args.join(" ")}`, async (t) => {
    const folder = await newFolder(t);
    const size = 400_123;
    await using file = await open(join(folder, "f"), "w");
    // 30 islands: more than a header of the old form holds, and than one block behind it.
    for (let i = 0; i < 30; i++) await file.write(Buffer.alloc(1000, i + 1), 0, 1000, i * 12_800);
    await file.truncate(size);
    // `raw` looks for zeros itself: not every file system tells its holes.
    const archive = await gnuTar(folder, ["--sparse", "--hole-detection=raw", ...args, "f"]);
    const [entry] = readTar(archive, { chunkBytes: 10_000 }).entries;
    assert.ok(entry !== undefined);
    assert.equal(Buffer.from(entry.path).toString(), "f");
    assert.equal(entry.size, size);
    assert.equal(entry.runs.filter((it) => "hole" in it).length, 30);
    const content = contentOf(entry);
    for (let i = 0; i < 30; i++) {
      assert.ok(content.subarray(i * 12_800, i * 12_800 + 1000).every((it) => it === i + 1));
      assert.ok(content.subarray(i * 12_800 + 1024, (i + 1) * 12_800).every((it) => it === 0));
    }
  });
}
