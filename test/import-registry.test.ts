import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Info, Reference } from "../src/image/index.ts";
import { infoOf, type Store } from "../src/store/index.ts";
import { importRegistry, type ImportedRecord } from "../src/upkeep/index.ts";
import { convertLayers } from "./fixtures/convert-layers.ts";
import { newDirectory, openTestStore } from "./fixtures/store/index.ts";
import { tar } from "./fixtures/tar/index.ts";

const never = new AbortController().signal;

interface Setup {
  readonly store: Store;
  /** The old store's directory. */
  readonly old: string;
  /** Makes an image of the old store; answers its record. */
  readonly make: (name: string, ref: Reference) => Promise<Info>;
  readonly run: (...records: readonly string[]) => Promise<readonly ImportedRecord[]>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const root = await newDirectory(t);
  const old = join(root, "old");
  await mkdir(old);
  const store = await openTestStore(join(root, "new"));
  t.after(async () => {
    await store.close();
  });
  return {
    store,
    old,
    make: async (name, ref) => {
      const layers = [{ tar: tar([{ path: "f", data: name }]) }];
      const { path: made, id, size } = await convertLayers(t, layers, { config: { User: name } });
      const path = join(old, id);
      await copyFile(made, path);
      return new Info({ id, size, path, ref, ociConfig: { User: name } });
    },
    run: async (...records) => {
      const file = join(old, "registry.json");
      await writeFile(file, records.join("\n"));
      return await importRegistry(
        store,
        file,
        { localFiles: { aliases: {} }, now: () => 7 },
        never,
      );
    },
  };
}

test("images come over with their names and configuration, as copies; the old files stay", async (t) => {
  const { store, make, run } = await setUp(t);
  const digest = `gcr.io/team/app@sha256:${"ab".repeat(32)}`;
  const docker = await make(
    "docker",
    new Reference("docker.io", ["busybox:latest", "gcr.io/team/app:1"], [digest]),
  );
  const library = await make(
    "library",
    new Reference("cloud.sylabs.io", ["cloud.sylabs.io/a/b/c:1"]),
  );
  const outcomes = await run(JSON.stringify(docker), JSON.stringify(library));
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ["imported", "imported"],
  );
  const busybox = infoOf(await store.find("busybox", ["docker.io/library/busybox:latest"]));
  assert.equal(busybox.id, docker.id);
  assert.deepEqual(busybox.ref, docker.ref);
  assert.deepEqual(busybox.ociConfig, { User: "docker" });
  assert.equal(busybox.origin, "layers");
  const { ino, nlink } = await stat(docker.path);
  assert.equal(nlink, 1);
  assert.notEqual((await stat(busybox.path)).ino, ino);
  const c = infoOf(await store.find(library.id, []));
  assert.equal(c.origin, "sif");
  assert.deepEqual(c.ref, library.ref);
  // A second import changes nothing.
  await run(JSON.stringify(docker), JSON.stringify(library));
  assert.equal((await store.list()).length, 2);
});

test("a store that was moved is found beside its registry.json", async (t) => {
  const { store, make, run } = await setUp(t);
  const info = await make("moved", new Reference("docker.io", ["moved:1"]));
  const record = { ...info.toJSON(), path: `/var/lib/singularity/${info.id}` };
  assert.equal((await run(JSON.stringify(record)))[0]?.outcome, "imported");
  assert.equal((await store.list()).length, 1);
});

test("a local file is recorded where it lies", async (t) => {
  const { store, old, make, run } = await setUp(t);
  const made = await make("local", new Reference("docker.io"));
  const path = join(old, "my.sif");
  await rename(made.path, path);
  const ref = { uri: "local.file", tags: [`local.file${path}`], digests: null };
  const outcomes = await run(JSON.stringify({ ...made.toJSON(), path, ref }));
  assert.deepEqual(outcomes, [{ outcome: "imported", id: made.id, names: [`local.file${path}`] }]);
  assert.equal((await store.find(made.id, [])).path, path);
  assert.deepEqual(await readdir(join(store.directory, "images")), []);
});

test("what is missing, damaged or no record is told, and the rest comes over", async (t) => {
  const { store, make, run } = await setUp(t);
  const [gone, damaged, fine] = [
    await make("gone", new Reference("docker.io", ["gone:1"])),
    await make("damaged", new Reference("docker.io", ["damaged:1"])),
    await make("fine", new Reference("docker.io", ["fine:1"])),
  ];
  await rm(gone.path);
  await copyFile(fine.path, damaged.path);
  const records = [gone, damaged, fine].map((info) => JSON.stringify(info));
  const outcomes = await run('{"id":"short"}', ...records);
  assert.deepEqual(
    outcomes.map((each) => (each.outcome === "refused" ? each.code : each.outcome)),
    ["INFO_INVALID", "missing", "INFO_INVALID", "imported"],
  );
  assert.deepEqual(
    (await store.list()).map(({ id }) => id),
    [fine.id],
  );
});

for (const text of ["[]", '{"id"', "no JSON"]) {
  test(`a registry.json of ${text} is refused as a whole`, async (t) => {
    const { run } = await setUp(t);
    await assert.rejects(run(text), { code: "INFO_INVALID" });
  });
}

test("what images --json writes of an image, the original's reader would decode", async (t) => {
  const { make, run } = await setUp(t);
  const info = await make("back", new Reference("docker.io", ["back:1"]));
  const json = info.toJSON();
  assert.deepEqual(Object.keys(json), ["id", "sha256", "size", "path", "ref", "ociConfig"]);
  assert.equal((await run(JSON.stringify({ ...json, more: 1 })))[0]?.outcome, "imported");
});
