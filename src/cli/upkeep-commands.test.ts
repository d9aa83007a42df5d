import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { makeImage, startRegistry, type FakeRegistry } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import {
  assertFailure,
  newDirectory,
  pullHere,
  runHere,
  TEST_NOW,
  type CliResult,
} from "./cli-fixture.ts";

const DAY = 86_400_000;

let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry();
  for (const tag of ["1", "2", "3"]) {
    const layers = [tar([{ path: "f", data: `content of ${tag}` }])];
    registry.putImage("app", makeImage({ layers }), tag);
  }
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

function app(tag: string): string {
  return `${registry.host}/app:${tag}`;
}

interface Setup {
  readonly directory: string;
  readonly ids: readonly string[];
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
}

/** A store with three images, the first the one that is used least lately. */
async function setUp(t: TestContext): Promise<Setup> {
  const directory = await newDirectory(t);
  const ids: string[] = [];
  for (const tag of ["1", "2", "3"]) {
    const { id } = await pullHere(directory, app(tag));
    ids.push(id);
  }
  return { directory, ids, run: async (...args) => await runHere(args, { directory }) };
}

async function tags(run: Setup["run"]): Promise<readonly string[]> {
  const { stdout } = await run("images", "--json");
  return [...stdout.matchAll(/app:([123])"/g)]
    .map(([, tag]) => tag ?? "")
    .filter((tag, index, all) => all.indexOf(tag) === index)
    .sort();
}

function jsonOf({ stdout }: CliResult): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(stdout);
  assert.ok(typeof value === "object" && value !== null);
  return { ...value };
}

test("prune --keep-bytes removes until so much is left, and --dry-run only says so", async (t) => {
  const { run } = await setUp(t);
  const plan = await run("prune", "--keep-bytes", "0", "--dry-run");
  assert.match(plan.stdout, /would remove 3 images/);
  assert.deepEqual(await tags(run), ["1", "2", "3"]);
  const { size } = jsonOf(await run("inspect", "--json", app("1")));
  const done = jsonOf(await run("prune", "--keep-bytes", String(Number(size) * 2 + 100), "--json"));
  assert.ok(Array.isArray(done["images"]));
  assert.equal(done["images"].length, 1);
  assert.equal((await tags(run)).length, 2);
});

test("prune removes neither what is borrowed nor what is pinned", async (t) => {
  const { run, directory } = await setUp(t);
  await run("borrow", app("1"), "--by", "me");
  await run("pin", app("2"));
  const result = await run("prune", "--keep-bytes", "0");
  assert.match(result.stdout, /kept .*app:1 +\(borrowed\)/);
  assert.match(result.stdout, /kept .*app:2 +\(pinned\)/);
  assert.match(result.stdout, /removed 1 image,/);
  assert.deepEqual(await tags(run), ["1", "2"]);
  const config = join(directory, "config.yaml");
  await writeFile(config, "pins: ['*app:2']\n");
  await run("unpin", app("2"));
  await run("return", app("1"), "--by", "me");
  await run("prune", "--keep-bytes", "0", "--config", config);
  assert.deepEqual(await tags(run), ["2"]);
});

test("prune --older-than goes by the last use", async (t) => {
  const { directory, run } = await setUp(t);
  const later = { now: () => TEST_NOW + 10 * DAY };
  const prune = async (age: string): Promise<CliResult> =>
    await runHere(["prune", "--older-than", age], { directory, environment: later });
  assert.match((await prune("11d")).stdout, /removed 0 images/);
  assert.match((await prune("9d")).stdout, /removed 3 images/);
  assert.deepEqual(await tags(run), []);
});

const BAD: readonly (readonly [string, RegExp])[] = [
  ["--older-than=soon", /--older-than: expected a whole number/],
  ["--keep-bytes=much", /--keep-bytes: expected a size/],
];

for (const [flag, message] of BAD) {
  test(`prune refuses ${flag}`, async (t) => {
    assertFailure(await runHere(["prune", flag], { directory: await newDirectory(t) }), 2, message);
  });
}

test("df counts images, converted layers and the database against the disk", async (t) => {
  const { run, directory } = await setUp(t);
  const usage = jsonOf(await run("df", "--json"));
  const { images, packs, partials, database, traits } = usage;
  assert.ok(typeof images === "object" && images !== null && "files" in images);
  assert.equal(images.files, 3);
  assert.ok(typeof packs === "object" && packs !== null && "files" in packs);
  assert.equal(packs.files, 3);
  assert.deepEqual(partials, { files: 0, bytes: 0 });
  assert.ok(typeof database === "object" && database !== null && "bytes" in database);
  assert.ok(Number(database.bytes) > 0);
  assert.ok(typeof traits === "object");
  assert.match((await run("df")).stdout, /file system: .* free\njournal: (wal|rollback), claims: /);
  const none = await runHere(["--store", join(directory, "none"), "df"], { directory });
  assert.match(none.stdout, /^there is no store in /);
});

test("fsck finds what is wrong, --repair puts it right, and a pull brings the rest back", async (t) => {
  const { run, directory, ids } = await setUp(t);
  assert.match((await run("fsck", "--deep")).stdout, /^3 images, .* hashed, 0 faults left\n$/);
  const images = join(directory, "store/images");
  const file = (index: number): string => join(images, `${ids[index] ?? ""}.sif`);
  await rm(file(0));
  await truncate(file(1), 100);
  const bytes = await readFile(file(2));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await writeFile(file(2), bytes);
  const shallow = await run("fsck");
  assert.equal(shallow.exitCode, 10);
  assert.match(shallow.stdout, /expected a file, got none/);
  assert.match(shallow.stdout, /bytes, got 100/);
  assert.match(shallow.stdout, /2 faults left; --repair/);
  const deep = await run("fsck", "--deep", "--json");
  assert.equal(deep.exitCode, 10);
  assert.match(deep.stdout, /"wrong-hash"/);
  const repaired = await run("fsck", "--deep", "--repair");
  assert.equal(repaired.exitCode, 0, repaired.stdout);
  assert.deepEqual(await readdir(images), []);
  for (const tag of ["1", "2", "3"]) await pullHere(directory, app(tag));
  assert.match((await run("fsck", "--deep")).stdout, /^3 images, .* 0 faults left\n$/);
});

test("fsck --repair leaves a damaged image that is borrowed, and a pull heals it", async (t) => {
  const { run, directory, ids } = await setUp(t);
  const path = join(directory, "store/images", `${ids[0] ?? ""}.sif`);
  await truncate(path, 100);
  await run("borrow", app("1"), "--by", "me");
  const result = await run("fsck", "--repair");
  assert.equal(result.exitCode, 10);
  assert.match(result.stdout, /used by me: pull it again/);
});

test("fsck --repair adopts a complete file without a record, and deletes one that is none", async (t) => {
  const { run, directory, ids } = await setUp(t);
  const images = join(directory, "store/images");
  const [id = ""] = ids;
  const bytes = await readFile(join(images, `${id}.sif`));
  await run("rm", app("1"));
  await writeFile(join(images, `${id}.sif`), bytes);
  const stray = `${"0".repeat(64)}.sif`;
  await writeFile(join(images, stray), "not that");
  await writeFile(join(images, "README"), "of somebody");
  const found = await run("fsck");
  assert.equal(found.exitCode, 10);
  assert.match(found.stdout, /a complete image without a record/);
  const repaired = await run("fsck", "--repair");
  assert.equal(repaired.exitCode, 0, repaired.stdout);
  const files = (await readdir(images)).sort();
  assert.ok(files.includes("README") && files.includes(`${id}.sif`) && !files.includes(stray));
  assert.match(
    (await run("inspect", "--json", id)).stdout,
    /"architecture"|"platform":"linux\/amd64"/,
  );
  assert.equal((await run("fsck", "--deep")).exitCode, 0);
});

for (const lose of ["deleted", "damaged"] as const) {
  test(`a command that only looks makes a database again that was ${lose}`, async (t) => {
    const { run, directory } = await setUp(t);
    const path = join(directory, "store/siflet.db");
    if (lose === "deleted") await rm(path);
    else await writeFile(path, "no database".repeat(1000));
    const images = await run("images");
    assert.equal(images.exitCode, 0, images.stderr.join());
    assert.match(images.stderr.join(), /has been made again: 3 images, 0 of them without a name/);
    assert.deepEqual(await tags(run), ["1", "2", "3"]);
  });
}

test("a directory that is no store does not become one by a look", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "something"), "else");
  const result = await runHere(["--store", directory, "images"], { directory });
  assert.equal(result.exitCode, 10);
  assert.deepEqual(await readdir(directory), ["something"]);
});

test("a store whose maker died before there was a database is one that is still to be made", async (t) => {
  const directory = await newDirectory(t);
  const store = join(directory, "store");
  for (const name of ["", "images", "tmp", "locks"]) {
    await mkdir(join(store, name));
    const images = await runHere(["images", "--json"], { directory });
    assert.deepEqual([images.exitCode, images.stdout], [0, "[]\n"], name);
  }
  await writeFile(join(store, "images", `${"ab".repeat(32)}.sif`), "an image, perhaps");
  assert.equal((await runHere(["images"], { directory })).exitCode, 10);
});

test("fsck tells of parts of blobs that nobody took up, and --repair removes them", async (t) => {
  const { run, directory } = await setUp(t);
  const partials = join(directory, "store/packs/.partials");
  await mkdir(partials);
  const [old, young] = [join(partials, "old.blob"), join(partials, "young.blob")];
  for (const [path, age] of [
    [old, 2 * DAY],
    [young, 0],
  ] as const) {
    await writeFile(path, "part");
    await utimes(path, (TEST_NOW - age) / 1000, (TEST_NOW - age) / 1000);
  }
  assert.match((await run("df", "--json")).stdout, /"partials":\{"files":2,/);
  const found = await run("fsck");
  assert.equal(found.exitCode, 10);
  assert.match(found.stdout, /old\.blob: part of a blob/);
  assert.equal((await run("fsck", "--repair")).exitCode, 0);
  assert.deepEqual(await readdir(partials), ["young.blob"]);
});

test("add brings in what export took out: the same id, under names, marked as brought by hand", async (t) => {
  const { run, directory, ids } = await setUp(t);
  const [id = ""] = ids;
  const file = join(directory, "out.sif");
  await run("export", app("1"), file);
  const other = ["--store", join(directory, "other")];
  const added = await run(
    ...other,
    "add",
    "out.sif",
    "--name",
    "site/app:1",
    "--name",
    "app",
    "--json",
  );
  assert.equal(added.exitCode, 0, added.stderr.join("\n"));
  assert.match(added.stdout, new RegExp(`"id":"${id}"`));
  const image = jsonOf(await run(...other, "inspect", "--json", "docker.io/library/app:latest"));
  assert.equal(image["sideLoaded"], true);
  assert.deepEqual(image["names"], {
    tags: ["docker.io/site/app:1", "docker.io/library/app:latest"],
    digests: [],
  });
  // Bringing it once more loses no name.
  await run(...other, "add", "out.sif");
  assert.equal((await run(...other, "path", "site/app:1")).exitCode, 0);
  assert.equal((await run(...other, "fsck", "--deep")).exitCode, 0);
});

const NOT_ADDED: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["no file", ["none.sif"], 3, /no such file/],
  ["no SIF", ["text"], 7, /SIF/],
  ["a digest as a name", ["text", "--name", `a@sha256:${"0".repeat(64)}`], 2, /without a digest/],
  ["a bad name", ["text", "--name", "A"], 2, /lower case/],
];

for (const [what, args, exitCode, message] of NOT_ADDED) {
  test(`add refuses ${what}, and leaves nothing`, async (t) => {
    const directory = await newDirectory(t);
    await writeFile(join(directory, "text"), "text".repeat(100));
    assertFailure(await runHere(["add", ...args], { directory }), exitCode, message);
    const left = await readdir(join(directory, "store/tmp")).catch(() => []);
    assert.deepEqual(left, []);
  });
}
