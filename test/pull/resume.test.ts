import assert from "node:assert/strict";
import { chmod, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pullToStore, type PullEvent, type PullOptions } from "../../src/pull/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";

const DAY = 86_400_000;
const CUT = 12_000_000;

const image = makeImage({
  layers: [tar([{ path: "f", data: noiseBytes("resumed", 20_000_000) }])],
  compression: "none",
});
const [layer] = image.layers;
assert.ok(layer !== undefined);
const blobPath = `/v2/app/blobs/${layer.digest}`;

interface Setup {
  readonly registry: FakeRegistry;
  readonly store: Store;
  readonly pull: (signal?: AbortSignal, wish?: Partial<PullOptions>) => Promise<StoredImage>;
  /** The files of blobs that did not come to their end. */
  readonly partials: () => Promise<readonly string[]>;
  /** The Range of each request for the layer so far; "" for none. */
  readonly ranges: (registry?: FakeRegistry) => readonly string[];
  /** Lets the clock go on. */
  readonly wait: (ms: number) => void;
  readonly another: () => Promise<FakeRegistry>;
  readonly pullFrom: (registry: FakeRegistry) => Promise<StoredImage>;
}

async function setUp(t: TestContext, options: { readonly ranges: boolean }): Promise<Setup> {
  const start = async (): Promise<FakeRegistry> => {
    const registry = await startRegistry(options);
    t.after(() => registry[Symbol.asyncDispose]());
    registry.putImage("app", image, "1");
    return registry;
  };
  const registry = await start();
  let late = 0;
  const setup = await setUpPull(t, { now: () => Date.now() + late });
  const store = await setup.store();
  const packs = join(store.directory, "packs");
  const cache = { directory: packs, maxBytes: 1e9 };
  const pullOf = async (
    from: FakeRegistry,
    signal = never,
    wish: Partial<PullOptions> = {},
  ): Promise<StoredImage> => {
    const how = setup.options({ cache, ...wish });
    return await pullToStore(store, `${from.host}/app:1`, setup.context, how, signal);
  };
  return {
    registry,
    store,
    pull: async (signal, wish) => await pullOf(registry, signal, wish),
    partials: async () => {
      const directory = join(packs, ".partials");
      const names = await readdir(directory).catch(() => []);
      return names.map((name) => join(directory, name));
    },
    ranges: (from = registry) =>
      from.requests
        .filter(({ method, path }) => method === "GET" && path === blobPath)
        .map(({ headers }) => headers.range ?? ""),
    wait: (ms) => {
      late += ms;
    },
    another: start,
    pullFrom: async (from) => await pullOf(from),
  };
}

/** Lets a registry cut the layer, and give no more of it. */
function cutOnce(registry: FakeRegistry): void {
  registry.addFault(blobPath, { truncateAt: CUT, times: 1 });
  registry.addFault(blobPath, { status: 403, times: 1 });
}

/** A first pull that the registry cuts; answers the partial file, and forgets the requests so far. */
async function cutPull({ registry, pull, partials }: Setup): Promise<string> {
  cutOnce(registry);
  await assert.rejects(pull(), { code: "REGISTRY_DENIED" });
  registry.requests.length = 0;
  const [path, ...more] = await partials();
  assert.ok(path !== undefined && more.length === 0);
  return path;
}

test("a pull takes up the blob that the last one could not finish", async (t) => {
  const setup = await setUp(t, { ranges: true });
  const path = await cutPull(setup);
  const { size } = await stat(path);
  assert.ok(size > 0 && size <= CUT);
  const told: PullEvent[] = [];
  const pulled = await setup.pull(never, { onEvent: (event) => told.push(event) });
  assert.deepEqual(setup.ranges(), [`bytes=${size}-`]);
  const fetched = told.filter((event) => event.kind === "fetched");
  assert.deepEqual(new Set(fetched.map(({ resumed }) => resumed)), new Set([size]));
  assert.equal(fetched.at(-1)?.bytes, layer.size);
  assert.deepEqual(await setup.partials(), []);
  assert.deepEqual(await readdir(join(setup.store.directory, "tmp")), []);
  const whole = await setUp(t, { ranges: true });
  assert.equal((await whole.pull()).id, pulled.id);
});

test("a pull goes on where the registry cut it, within the same pull", async (t) => {
  const setup = await setUp(t, { ranges: true });
  for (const truncateAt of [CUT, 2_000_000]) {
    setup.registry.addFault(blobPath, { truncateAt, times: 1 });
  }
  const pulled = await setup.pull();
  const [first, second, third, ...more] = setup.ranges();
  assert.deepEqual([first, more], ["", []]);
  const starts = [second, third].map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]));
  assert.ok(starts.every((start) => start > 0));
  assert.ok((starts[0] ?? 0) < (starts[1] ?? 0));
  const whole = await setUp(t, { ranges: true });
  assert.equal((await whole.pull()).id, pulled.id);
});

test("a registry without ranges sends all of it once more", async (t) => {
  const setup = await setUp(t, { ranges: false });
  await cutPull(setup);
  await setup.pull();
  assert.equal(setup.ranges().length, 1);
  assert.deepEqual(await setup.partials(), []);
});

test("a partial blob of other bytes costs a second try, and no image", async (t) => {
  const setup = await setUp(t, { ranges: true });
  const path = await cutPull(setup);
  const { size } = await stat(path);
  await writeFile(path, Buffer.alloc(size));
  await setup.pull();
  assert.deepEqual(setup.ranges(), [`bytes=${size}-`, ""]);
  assert.deepEqual(await setup.partials(), []);
});

test("of a partial blob that seems whole the last byte is asked for all the same", async (t) => {
  const setup = await setUp(t, { ranges: true });
  const path = await cutPull(setup);
  await writeFile(path, image.blobs.get(layer.digest) ?? "");
  await setup.pull();
  assert.deepEqual(setup.ranges(), [`bytes=${layer.size - 1}-`]);
});

test("a range that the registry answers with another one is refused", async (t) => {
  const setup = await setUp(t, { ranges: true });
  await cutPull(setup);
  const headers = { "content-range": `bytes 0-9/${layer.size}` };
  setup.registry.addFault(blobPath, { status: 206, headers, times: 1 });
  await setup.pull();
  assert.equal(setup.ranges().length, 2);
});

test("an aborted pull leaves what came, and one a day later begins anew", async (t) => {
  const setup = await setUp(t, { ranges: true });
  const stop = new AbortController();
  const onEvent: PullOptions["onEvent"] = (event) => {
    if (event.kind === "fetched" && event.bytes > 4_000_000) stop.abort();
  };
  await assert.rejects(setup.pull(stop.signal, { onEvent }), { name: "AbortError" });
  const [path = ""] = await setup.partials();
  assert.ok((await stat(path)).size > 0);
  const then = Date.now() / 1000;
  await utimes(path, then, then);
  setup.wait(DAY + 60_000);
  await setup.pull();
  assert.deepEqual(setup.ranges(), ["", ""]);
});

test("what one registry delivered is nothing to another one", async (t) => {
  const setup = await setUp(t, { ranges: true });
  await cutPull(setup);
  const other = await setup.another();
  await setup.pullFrom(other);
  assert.deepEqual(setup.ranges(other), [""]);
  assert.equal((await setup.partials()).length, 1);
});

test("another profile of the same image has its own part of a blob", async (t) => {
  const setup = await setUp(t, { ranges: true });
  await cutPull(setup);
  await setup.pull(never, { compression: "zstd" });
  assert.deepEqual(setup.ranges(), [""]);
  assert.equal((await setup.partials()).length, 1);
});

test("a directory of parts that others can write to is not used", async (t) => {
  const setup = await setUp(t, { ranges: true });
  const path = await cutPull(setup);
  await chmod(join(path, ".."), 0o777);
  await setup.pull();
  assert.deepEqual(setup.ranges(), [""]);
});

test("with a directory of its own for layers on their way nothing is kept", async (t) => {
  const setup = await setUp(t, { ranges: true });
  cutOnce(setup.registry);
  const tmpDirectory = setup.store.directory;
  await assert.rejects(setup.pull(never, { tmpDirectory }), { code: "REGISTRY_DENIED" });
  assert.deepEqual(await setup.partials(), []);
});

test("bytes that are not the blob's are not kept", async (t) => {
  const setup = await setUp(t, { ranges: true });
  setup.registry.addFault(blobPath, { bytes: Buffer.alloc(layer.size), times: 2 });
  await assert.rejects(setup.pull(), { code: "CONTENT_DIGEST_MISMATCH" });
  assert.deepEqual(await setup.partials(), []);
});

test("bytes that are not the blob's are asked for once more, from the beginning", async (t) => {
  const setup = await setUp(t, { ranges: true });
  setup.registry.addFault(blobPath, { bytes: Buffer.alloc(layer.size), times: 1 });
  await setup.pull();
  assert.deepEqual(setup.ranges(), ["", ""]);
});
