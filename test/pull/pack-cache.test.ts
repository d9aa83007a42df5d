import assert from "node:assert/strict";
import { chown, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, test, type TestContext } from "node:test";
import type { Compression } from "../../src/image/index.ts";
import { PackCache } from "../../src/packs/index.ts";
import { pullToStore, type PullOptions } from "../../src/pull/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { GOLDEN, GOLDEN_CONFIG } from "../fixtures/golden-images.ts";
import { goldenLayers } from "../fixtures/golden-layers.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";

const base = tar([{ path: "base", data: noiseBytes("base", 300_000) }]);
const middle = tar([{ path: "middle", data: "middle" }]);
const top = (n: number): Uint8Array => tar([{ path: "top", data: `version ${n}` }]);
const version = (n: number, compression: "gzip" | "zstd" = "gzip"): ReturnType<typeof makeImage> =>
  makeImage({ layers: [base, middle, top(n)], compression });

describe("layer packs", () => {
  test("an updated image costs its new layer", async (t) => {
    const { registry, pull } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await pull("app:1");
    const before = registry.requests.length;
    const second = await pull("app:2");
    const asked = registry.requests.slice(before);
    const fetched = asked.filter(
      ({ method, path }) => method === "GET" && path.includes("/blobs/"),
    );
    const [, , newLayer] = version(2).layers;
    assert.deepEqual(
      fetched.map(({ path }) => path.split("/").at(-1)).sort(),
      [newLayer?.digest, second.source.configDigest].sort(),
    );
  });

  test("the image is the same with and without packs", async (t) => {
    const { registry, setup, pull } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await pull("app:1");
    const warm = await pull("app:2");
    const cold = await pullToStore(
      await setup.store("cold"),
      `${registry.host}/app:2`,
      setup.context,
      setup.options(),
      never,
    );
    assert.equal(warm.id, cold.id);
  });

  for (const compression of ["gzip", "zstd"] as const) {
    test(`golden images are the same without packs, with new and with kept ones, ${compression}`, async (t) => {
      const { registry, setup, options, packs } = await setUp(t);
      registry.putImage(
        "app",
        makeImage({ layers: goldenLayers(), config: { ...GOLDEN_CONFIG } }),
        "1",
      );
      const pullInto = async (name: string, wish: Partial<PullOptions>): Promise<string> => {
        const store = await setup.store(name);
        const all = options({ compression, ...wish });
        return (await pullToStore(store, `${registry.host}/app:1`, setup.context, all, never)).id;
      };
      const golden = GOLDEN[`${compression}/1 image layout/1`];
      assert.equal(await pullInto("none", { cache: undefined }), golden);
      assert.equal(await pullInto("new", {}), golden);
      const inodes = async (): Promise<number[]> =>
        [...(await packs(compression)).values()].map(({ ino }) => ino).sort((a, b) => a - b);
      const made = await inodes();
      assert.equal(await pullInto("kept", {}), golden);
      assert.deepEqual(await inodes(), made, "none is made again");
      assert.equal(made.length, 2);
    });
  }

  test("when all layers are known no blob body of them is fetched", async (t) => {
    const { registry, pull } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await Promise.all([pull("app:1"), pull("app:2")]);
    const reordered = makeImage({ layers: [middle, base, top(1), top(2)] });
    registry.putImage("app", reordered, "3");
    const before = registry.requests.length;
    await pull("app:3");
    const gets = registry.requests.slice(before).filter(({ method }) => method === "GET");
    assert.deepEqual(
      gets.map(({ path }) => path.split("/").at(-1)),
      [reordered.manifest.digest, reordered.config.digest],
    );
  });

  test("two pulls at once that share layers convert them once", async (t) => {
    const { registry, setup, pull } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await Promise.all([pull("app:1"), pull("app:2")]);
    const gets = registry.requests.filter(({ method }) => method === "GET").map(({ path }) => path);
    const [baseLayer] = version(1).layers;
    const count = gets.filter((path) => path.endsWith(`/blobs/${baseLayer?.digest ?? ""}`)).length;
    assert.equal(count, 1);
    assert.equal((await readdir(join(setup.directory, "packs", "gzip-1"))).length, 4);
  });

  test("a private layer is not given to a registry that only knows its diffID", async (t) => {
    const { registry, store, pull, options } = await setUp(t);
    registry.putImage("private", version(1), "1");
    const first = await pull("private:1");
    await using hostile = await startRegistry();
    const stolen = makeImage({ layers: [base, middle, top(99)] });
    hostile.putImage("evil", stolen, "1");
    for (const { digest } of stolen.layers.slice(0, 2)) {
      hostile.addFault(`/v2/evil/blobs/${digest}`, { method: "GET", status: 404 });
    }
    const { context } = await setUpPull(t);
    const attempt = pullToStore(store, `${hostile.host}/evil:1`, context, options(), never);
    await assert.rejects(attempt, { code: "NOT_FOUND" });
    assert.deepEqual(
      (await store.list()).map(({ id }) => id),
      [first.id],
    );
  });

  test("a layer in another compression is fetched and hashed, but not converted again", async (t) => {
    const { registry, pull, packs } = await setUp(t);
    registry.putImage("app", version(1), "1");
    await pull("app:1");
    const before = await packs();
    registry.putImage("app", makeImage({ layers: [base, top(5)], compression: "zstd" }), "2");
    await pull("app:2");
    const after = await packs();
    for (const [name, { ino }] of before) assert.equal(after.get(name)?.ino, ino, name);
    assert.equal(after.size, before.size + 1);
  });

  for (const place of ["its start", "a block", "its log", "its tables", "its end"] as const) {
    test(`a pack with a flipped bit in ${place} is made again`, async (t) => {
      const { registry, pull, packs } = await setUp(t);
      registry.putImage("app", version(1), "1");
      registry.putImage("app", version(2), "2");
      await pull("app:1");
      for (const [name, { path }] of await packs()) {
        const bytes = await readFile(path);
        const positions = {
          "its start": 0,
          "a block": 5,
          "its log": bytes.length - 420,
          "its tables": bytes.length - 60,
          "its end": bytes.length - 5,
        };
        const at = Math.max(0, positions[place]);
        bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
        await writeFile(path, bytes);
        assert.ok(name.endsWith(".pack"));
      }
      const { id } = await pull("app:2");
      const clean = await setUp(t);
      clean.registry.putImage("app", version(2), "2");
      assert.equal(id, (await clean.pull("app:2")).id);
      const cleanPacks = await clean.packs();
      for (const [name, { path }] of await packs()) {
        const sound = cleanPacks.get(name);
        // The pack that this image does not need stays as it is: nobody has looked.
        if (sound !== undefined) assert.deepEqual(await readFile(path), await readFile(sound.path));
      }
      assert.deepEqual(getsOf(registry, version(1).layers.slice(0, 2)), [2, 2], "fetched again");
    });
  }

  test("one damaged pack costs its own layer alone", async (t) => {
    const { registry, pull, packs } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await pull("app:1");
    const [baseLayer] = version(1).layers;
    const largest = [...(await packs()).values()].sort((a, b) => b.size - a.size)[0];
    assert.ok(largest !== undefined && baseLayer !== undefined);
    const bytes = await readFile(largest.path);
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    await writeFile(largest.path, bytes);
    const kept = [...(await packs()).values()].filter(({ name }) => name !== largest.name);
    const before = registry.requests.length;
    await pull("app:2");
    const gets = registry.requests.slice(before).filter(({ method }) => method === "GET");
    const [, middleLayer] = version(1).layers;
    assert.ok(gets.some(({ path }) => path.endsWith(baseLayer.digest)));
    assert.ok(!gets.some(({ path }) => path.endsWith(middleLayer?.digest ?? "")));
    const after = await packs();
    for (const { name, ino } of kept) assert.equal(after.get(name)?.ino, ino, name);
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    assert.deepEqual(await readFile(largest.path), bytes, "as it was");
  });

  test("a pack that another user wrote is not used", async (t) => {
    if (process.geteuid?.() !== 0) return;
    const { registry, pull, packs } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await pull("app:1");
    const before = await packs();
    for (const { path } of before.values()) await chown(path, 65_534, 65_534);
    await pull("app:2");
    const after = await packs();
    const [baseLayer] = version(1).layers;
    const count = registry.requests.filter(
      ({ method, path }) => method === "GET" && path.endsWith(baseLayer?.digest ?? ""),
    ).length;
    assert.equal(count, 2, "the base layer is fetched again");
    const owners = await Promise.all(
      Array.from(after.values(), async ({ path }) => (await stat(path)).uid),
    );
    assert.deepEqual(
      owners.sort((a, b) => a - b),
      [0, 0, 0, 65_534],
      "the one not needed stays",
    );
  });

  test("a cache that cannot be made is told of, and costs no pull", async (t) => {
    const { registry, setup, store, options } = await setUp(t);
    registry.putImage("app", version(1), "1");
    const file = join(setup.directory, "a file");
    await writeFile(file, "");
    const wish = options({ cache: { directory: join(file, "packs"), maxBytes: 2 ** 30 } });
    await pullToStore(store, `${registry.host}/app:1`, setup.context, wish, never);
    const warnings = setup.events.filter(({ kind }) => kind === "warning");
    assert.ok(JSON.stringify(warnings).includes("no converted layers are kept"));
  });

  test("a pack of another layer under this layer's name is thrown away", async (t) => {
    const { registry, pull, packs } = await setUp(t);
    registry.putImage("app", version(1), "1");
    registry.putImage("app", version(2), "2");
    await pull("app:1");
    const all = [...(await packs()).values()];
    const contents = await Promise.all(all.map(async ({ path }) => await readFile(path)));
    for (const [index, { path }] of all.entries()) {
      await writeFile(path, contents[(index + 1) % contents.length] ?? Buffer.alloc(0));
    }
    const { id } = await pull("app:2");
    const clean = await setUp(t);
    clean.registry.putImage("app", version(2), "2");
    assert.equal(id, (await clean.pull("app:2")).id);
  });

  test("no more bytes are kept than the limit allows, the longest unused go first", async (t) => {
    const { registry, setup, pull, packs, options } = await setUp(t);
    registry.putImage("app", version(1), "1");
    await pull("app:1");
    const all = await packs();
    const oldest = [...all.values()].find(({ size }) => size > 100_000);
    assert.ok(oldest !== undefined);
    await utimes(oldest.path, 1, 1);
    const total = [...all.values()].reduce((sum, { size }) => sum + size, 0);
    const cache = new PackCache({
      directory: join(setup.directory, "packs"),
      maxBytes: total - 1000,
      now: Date.now,
    });
    registry.putImage("other", makeImage({ layers: [top(7)] }), "1");
    const store = await setup.store("second");
    const reference = `${registry.host}/other:1`;
    await pullToStore(store, reference, setup.context, options({ cache }), never);
    const left = await packs();
    assert.equal(left.has(oldest.name), false);
    assert.equal(left.size, all.size);
    assert.equal(
      await cache.evict(0),
      [...left.values()].reduce((sum, { size }) => sum + size, 0),
    );
    assert.deepEqual(await cache.usage(), { packs: 0, bytes: 0 });
  });

  test("pulls leave nothing but packs in the cache", async (t) => {
    const { registry, setup, pull } = await setUp(t);
    registry.putImage("app", version(1), "1");
    await pull("app:1");
    registry.putImage("bad", makeImage({ layers: [base, tar([{ path: "f", checksum: 1 }])] }), "1");
    await assert.rejects(pull("bad:1"), { code: "TAR_CHECKSUM" });
    assert.deepEqual(await readdir(join(setup.directory, "packs")), ["gzip-1"]);
  });
});

interface PackFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly ino: number;
}

interface SetUp {
  readonly registry: FakeRegistry;
  readonly setup: PullSetup;
  readonly store: Store;
  readonly options: (wish?: Partial<PullOptions>) => PullOptions;
  readonly pull: (name: string) => Promise<StoredImage>;
  readonly packs: (compression?: Compression) => Promise<Map<string, PackFile>>;
}

/** How often the body of each blob was asked for. */
function getsOf({ requests }: FakeRegistry, blobs: readonly { digest: string }[]): number[] {
  return blobs.map(
    ({ digest }) =>
      requests.filter(({ method, path }) => method === "GET" && path.endsWith(digest)).length,
  );
}

async function setUp(t: TestContext): Promise<SetUp> {
  const registry = await startRegistry();
  t.after(async () => {
    await registry.close();
  });
  const setup = await setUpPull(t);
  const store = await setup.store();
  const directory = join(setup.directory, "packs");
  const cache = new PackCache({ directory, maxBytes: 2 ** 30, now: Date.now });
  const options = (wish: Partial<PullOptions> = {}): PullOptions =>
    setup.options({ cache, ...wish });
  return {
    registry,
    setup,
    store,
    options,
    pull: async (name) =>
      await pullToStore(store, `${registry.host}/${name}`, setup.context, options(), never),
    packs: async (compression = "gzip") => {
      const files = new Map<string, PackFile>();
      for (const name of await readdir(join(directory, `${compression}-1`))) {
        const path = join(directory, `${compression}-1`, name);
        const { size, ino } = await stat(path);
        files.set(name, { name, path, size, ino });
      }
      return files;
    },
  };
}
