import assert from "node:assert/strict";
import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeDirectories } from "./make-directories.ts";

async function newRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "siflet-"));
  t.after(async () => {
    await rm(root, { recursive: true, force: true });
  });
  return root;
}

test("what is missing is made, with the mode, and the first one is told", async (t) => {
  const root = await newRoot(t);
  const path = join(root, "a/b/c");
  assert.equal(await makeDirectories(path, 0o700), join(root, "a"));
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal((await stat(join(root, "a"))).mode & 0o777, 0o700);
  assert.equal(await makeDirectories(path, 0o755), undefined);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test("who makes the same at the same time does not disturb", async (t) => {
  const root = await newRoot(t);
  const made = await Promise.all(
    Array.from({ length: 8 }, () => makeDirectories(join(root, "a/b/c/d"), 0o700)),
  );
  assert.equal(made.filter((first) => first === join(root, "a")).length, 1);
  assert.ok((await stat(join(root, "a/b/c/d"))).isDirectory());
});

const refusals = [
  { name: "a file in its place", path: "file", code: "EEXIST" },
  { name: "a file above it", path: "file/a/b", code: "ENOTDIR" },
  { name: "a file right above it", path: "file/a", code: "ENOTDIR" },
  { name: "a link to nowhere in its place", path: "link", code: "EEXIST" },
  { name: "a file system that makes none", path: "/proc/self/a/b", code: "ENOENT" },
] as const;

for (const { name, path, code } of refusals) {
  test(`${name} is ${code}`, async (t) => {
    const root = await newRoot(t);
    await writeFile(join(root, "file"), "");
    await symlink(join(root, "nowhere"), join(root, "link"));
    const at = path.startsWith("/") ? path : join(root, path);
    await assert.rejects(makeDirectories(at, 0o700), { code });
  });
}
