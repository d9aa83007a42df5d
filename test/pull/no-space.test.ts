import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { PackCache } from "../../src/packs/index.ts";
import { pullToFile, pullToStore } from "../../src/pull/index.ts";
import { openStore } from "../../src/store/index.ts";
import { dockerFiles, layoutFiles, tarOf, writeFiles } from "../fixtures/archive/index.ts";
import { archivesAt, leftovers, never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { mayMount, noiseBytes, run } from "../real/index.ts";

const large = makeImage({ layers: [tar([{ path: "f", data: noiseBytes("full", 6_000_000) }])] });
/** A blob that is not kept in memory. */
const spooled = makeImage({
  layers: [tar([{ path: "f", data: noiseBytes("spooled", 17_000_000) }])],
  compression: "none",
});
const small = makeImage({ layers: [tar([{ path: "f", data: "small" }])] });

test("a full disk ends a pull with NO_SPACE, leaves nothing and hurts nothing", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await using registry = await startRegistry();
  registry.putImage("large", large, "1");
  registry.putImage("small", small, "1");
  const setup = await setUpPull(t);
  await using store = await openStore({ directory, host: "test", bootId: "b0", now: Date.now });
  const pull = async (name: string): Promise<unknown> => {
    const reference = `${registry.host}/${name}:1`;
    return await pullToStore(store, reference, setup.context, setup.options(), never);
  };
  await assert.rejects(pull("large"), { code: "NO_SPACE" });
  assert.deepEqual(await leftovers(store), []);
  await pull("small");
  await assert.rejects(pull("large"), { code: "NO_SPACE" });
  assert.equal((await store.list()).length, 1, "what was there is still there");
});

test("an image that cannot fit is refused before its first blob, with the numbers", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await using registry = await startRegistry();
  registry.putImage("large", large, "1");
  const setup = await setUpPull(t);
  await using store = await openStore({ directory, host: "test", bootId: "b0", now: Date.now });
  const cache = { directory: join(directory, "packs"), maxBytes: 10_000_000 };
  const reference = `${registry.host}/large:1`;
  const options = setup.options({ cache });
  await assert.rejects(pullToStore(store, reference, setup.context, options, never), {
    code: "NO_SPACE",
    message: /expected at least [0-9]+ bytes free in .*, got [0-9]+$/,
  });
  const [layer] = large.layers;
  assert.ok(!registry.paths("GET").includes(`/v2/large/blobs/${layer?.digest ?? ""}`));
  assert.deepEqual(await leftovers(store), []);
});

for (const where of ["the store's disk", "the disk of --tmpdir"]) {
  test(`${where} full of a layer on its way is NO_SPACE`, async (t) => {
    if (!(await mayMount(t))) return;
    const disk = await tinyDisk(t);
    await using registry = await startRegistry();
    registry.putImage("spooled", spooled, "1");
    const setup = await setUpPull(t);
    const isStore = where.includes("store");
    await using store = await openStore({
      directory: isStore ? disk : join(setup.directory, "store"),
      host: "test",
      bootId: "b0",
      now: Date.now,
    });
    const options = setup.options(isStore ? {} : { tmpDirectory: disk });
    const pull = pullToStore(store, `${registry.host}/spooled:1`, setup.context, options, never);
    await assert.rejects(pull, { code: "NO_SPACE" });
    assert.deepEqual(await leftovers(store), []);
    if (!isStore) assert.deepEqual(await readdir(disk), []);
  });
}

test("a large layer that lies in an archive needs no room on its way", async (t) => {
  if (!(await mayMount(t))) return;
  const disk = await tinyDisk(t);
  const setup = await setUpPull(t);
  await using registry = await startRegistry();
  registry.putImage("spooled", spooled, "1");
  const fetched = setup.options({ tmpDirectory: setup.directory });
  const store = await setup.store("fetched");
  const reference = `${registry.host}/spooled:1`;
  const { id } = await pullToStore(store, reference, setup.context, fetched, never);
  const files = layoutFiles([{ image: spooled }]);
  const docker = dockerFiles([{ image: spooled, tags: ["app:1"] }]);
  await writeFiles(join(setup.directory, "layout"), files);
  await writeFile(join(setup.directory, "oci.tar"), tarOf(files));
  await writeFile(join(setup.directory, "docker.tar"), tarOf(docker));
  const context = { ...setup.context, archives: archivesAt(setup.directory) };
  for (const source of ["oci:layout", "oci-archive:oci.tar", "docker-archive:docker.tar"]) {
    const own = await setup.store(source.replace(/\W/g, "-"));
    const options = setup.options({ tmpDirectory: disk });
    assert.equal((await pullToStore(own, source, context, options, never)).id, id, source);
    assert.deepEqual(await readdir(disk), []);
  }
});

for (const compression of ["gzip", "none"] as const) {
  for (const isTmpdir of [false, true]) {
    const where = isTmpdir ? "the disk of --tmpdir" : "the store's disk";
    test(`${where} full of an archive on standard input (${compression}) is NO_SPACE`, async (t) => {
      if (!(await mayMount(t))) return;
      const disk = await tinyDisk(t);
      const setup = await setUpPull(t);
      const archive = tar([{ path: "f", data: noiseBytes("archive", 9_000_000) }]);
      const input = compression === "gzip" ? gzipSync(archive, { level: 1 }) : archive;
      await using store = await openStore({
        directory: isTmpdir ? join(setup.directory, "store") : disk,
        host: "test",
        bootId: "b0",
        now: Date.now,
      });
      const context = { ...setup.context, archives: archivesAt(setup.directory, input) };
      const options = setup.options(isTmpdir ? { tmpDirectory: disk } : {});
      await assert.rejects(pullToStore(store, "docker-archive:-", context, options, never), {
        code: "NO_SPACE",
      });
      assert.deepEqual(await leftovers(store), []);
      if (isTmpdir) assert.deepEqual(await readdir(disk), []);
    });
  }
}

test("the disk of a file full of an archive on standard input is NO_SPACE", async (t) => {
  if (!(await mayMount(t))) return;
  const disk = await tinyDisk(t);
  const setup = await setUpPull(t);
  const input = tar([{ path: "f", data: noiseBytes("archive", 9_000_000) }]);
  const context = { ...setup.context, archives: archivesAt(setup.directory, input) };
  const path = join(disk, "out.sif");
  const options = { ...setup.options(), force: false };
  await assert.rejects(
    pullToFile(disk, () => path, "docker-archive:-", context, options, never),
    { code: "NO_SPACE" },
  );
  assert.deepEqual(await readdir(disk), []);
});

test("packs give way before a pull is refused", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await using registry = await startRegistry();
  const kept = tar([{ path: "kept", data: noiseBytes("kept", 900_000) }]);
  registry.putImage("kept", makeImage({ layers: [kept] }), "1");
  const needs = tar([{ path: "f", data: noiseBytes("needs", 1_100_000) }]);
  registry.putImage("needs", makeImage({ layers: [needs] }), "1");
  const setup = await setUpPull(t);
  await using store = await openStore({ directory, host: "test", bootId: "b0", now: Date.now });
  const cache = new PackCache({
    directory: join(directory, "packs"),
    maxBytes: 10_000_000,
    now: Date.now,
  });
  for (const name of ["kept", "needs"]) {
    const options = setup.options({ cache });
    await pullToStore(store, `${registry.host}/${name}:1`, setup.context, options, never);
  }
  assert.equal((await store.list()).length, 2);
  assert.ok((await cache.usage()).packs < 2, "the older pack is gone");
});

test("packs give way before a pull to a file is refused, too", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await using registry = await startRegistry();
  const setup = await setUpPull(t);
  const packs = join(directory, "packs");
  const options = setup.options({ cache: { directory: packs, maxBytes: 10_000_000 } });
  for (const [name, bytes] of [
    ["kept", 900_000],
    ["needs", 1_500_000],
  ] as const) {
    const image = makeImage({ layers: [tar([{ path: "f", data: noiseBytes(name, bytes) }])] });
    registry.putImage(name, image, "1");
    await pullToFile(
      ...([directory, () => join(directory, `${name}.sif`)] as const),
      ...([`${registry.host}/${name}:1`, setup.context] as const),
      ...([{ ...options, force: false }, never] as const),
    );
  }
  assert.deepEqual((await readdir(directory)).sort(), ["kept.sif", "needs.sif", "packs"]);
  const [codec] = await readdir(packs);
  assert.equal((await readdir(join(packs, codec ?? ""))).length, 1, "the older pack is gone");
});

test("a disk that was full before it began", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await writeFile(join(directory, "filler"), noiseBytes("filler", 5_000_000)).catch(
    () => undefined,
  );
  const opened = openStore({
    directory: join(directory, "store"),
    host: "test",
    bootId: "b0",
    now: Date.now,
  });
  await assert.rejects(opened, { code: "NO_SPACE" });
});

test("a full disk leaves nothing beside a file that was asked for", async (t) => {
  if (!(await mayMount(t))) return;
  const directory = await tinyDisk(t);
  await using registry = await startRegistry();
  registry.putImage("large", large, "1");
  const setup = await setUpPull(t);
  const reference = `${registry.host}/large:1`;
  const options = { ...setup.options(), force: false };
  await assert.rejects(
    pullToFile(
      directory,
      () => join(directory, "out.sif"),
      reference,
      setup.context,
      options,
      never,
    ),
    { code: "NO_SPACE" },
  );
  assert.deepEqual(await readdir(directory), []);
});

/** A file system of its own with room for 4 MiB, gone with the test. */
async function tinyDisk(t: TestContext): Promise<string> {
  const work = await mkdtempDisposable(join(tmpdir(), "siflet-disk-"));
  const directory = join(work.path, "disk");
  await mkdir(directory);
  await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory]);
  t.after(async () => {
    await run("umount", [directory]);
    await work.remove();
  });
  return directory;
}
