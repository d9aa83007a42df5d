import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { parseMountTable } from "./mount-table.ts";
import { removeTree } from "./remove-tree.ts";

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-remove-"));
  t.after(() => directory.remove());
  return directory.path;
}

test("removeTree removes files of every kind, and nothing that links lead to", async (t) => {
  const directory = await newDirectory(t);
  const victim = join(directory, "victim");
  await mkdir(victim);
  await writeFile(join(victim, "file"), "kept");
  const tree = join(directory, "tree");
  await mkdir(join(tree, "a/b/c"), { recursive: true });
  await symlink(victim, join(tree, "link"));
  await symlink("../../../victim", join(tree, "a/b/link"));
  await symlink("nowhere", join(tree, "a/dangling"));
  await link(join(victim, "file"), join(tree, "a/hard"));
  await writeFile(
    Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff, 0xfe])]),
    "no UTF-8",
  );
  execFileSync("mkfifo", [join(tree, "a/b/fifo")]);
  await removeTree(tree);
  assert.deepEqual(await readdir(directory), ["victim"]);
  assert.equal(await readFile(join(victim, "file"), "utf8"), "kept");
});

test("removeTree takes a link in the place of the tree for no tree", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(join(directory, "victim/a"), { recursive: true });
  await symlink("victim", join(directory, "tree"));
  await assert.rejects(removeTree(join(directory, "tree")), /ENOTDIR|ELOOP/);
  assert.deepEqual(await readdir(join(directory, "victim")), ["a"]);
});

test("removeTree is content with nothing", async (t) => {
  await removeTree(join(await newDirectory(t), "absent"));
});

test("removeTree removes directories of any mode", async (t) => {
  const directory = await newDirectory(t);
  const tree = join(directory, "tree");
  await mkdir(join(tree, "a/b/c"), { recursive: true });
  await writeFile(join(tree, "a/b/file"), "");
  for (const path of ["a/b/c", "a/b", "a", "."]) await chmod(join(tree, path), 0);
  await removeTree(tree);
  assert.deepEqual(await readdir(directory), []);
});

test("no tree is too deep for removeTree", async (t) => {
  const directory = await newDirectory(t);
  const tree = join(directory, "tree");
  const part = Array.from({ length: 100 }, () => "directory").join("/");
  // Longer than any path may be: put together from below.
  await mkdir(tree);
  for (let depth = 0; depth < 20; depth += 1) {
    const next = join(directory, "next");
    await mkdir(join(next, part), { recursive: true });
    await rename(tree, join(next, part, "inner"));
    await rename(next, tree);
  }
  await removeTree(tree);
  assert.deepEqual(await readdir(directory), []);
});

const isRoot = process.geteuid?.() === 0;

test(
  "removeTree never deletes through a mount",
  { skip: isRoot ? false : "mounting needs root" },
  async (t) => {
    const directory = await newDirectory(t);
    const victim = join(directory, "victim");
    const point = join(directory, "tree/a/point");
    await mkdir(join(victim, "inner"), { recursive: true });
    await mkdir(point, { recursive: true });
    execFileSync("mount", ["--bind", victim, point]);
    try {
      await assert.rejects(removeTree(join(directory, "tree")), { code: "BUNDLE_BUSY" });
      assert.ok((await lstat(join(victim, "inner"))).isDirectory());
    } finally {
      // Under another name by now.
      for (const { path } of parseMountTable(await readFile("/proc/self/mountinfo", "utf8"))) {
        if (path.startsWith(`${directory}/`)) execFileSync("umount", [path]);
      }
    }
  },
);
