import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { pull, type PullSettings } from "../../src/index.ts";
import { setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";
import { PROGRAM } from "../fixtures/program.ts";

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
  readonly location: string;
  readonly cacheDirectory: string;
  /** The package's pull of the image to `location`; the id of what it makes. */
  readonly pull: (settings?: PullSettings) => Promise<string>;
  readonly partials: () => Promise<readonly string[]>;
  /** The Range of each request for the layer so far; "" for none. */
  readonly ranges: () => readonly string[];
}

async function setUp(
  t: TestContext,
  beforeBlob: () => Promise<void> = () => Promise.resolve(),
): Promise<Setup> {
  const registry = await startRegistry({
    ranges: true,
    beforeBlob: async (digest) => {
      if (digest === layer?.digest) await beforeBlob();
    },
  });
  t.after(() => registry[Symbol.asyncDispose]());
  registry.putImage("app", image, "1");
  const { directory } = await setUpPull(t);
  const [location, cacheDirectory] = [join(directory, "location"), join(directory, "cache")];
  return {
    registry,
    location,
    cacheDirectory,
    pull: async (settings = { cacheDirectory }) =>
      (await pull(location, `${registry.host}/app:1`, settings)).id,
    partials: () => readdir(join(cacheDirectory, ".partials")),
    ranges: () =>
      registry.requests
        .filter(({ method, path }) => method === "GET" && path === blobPath)
        .map(({ headers }) => headers.range ?? ""),
  };
}

/** Lets the registry cut the layer, and give no more of it. */
async function cutPull({ registry, pull }: Setup, settings?: PullSettings): Promise<void> {
  registry.addFault(blobPath, { truncateAt: CUT, times: 1 });
  registry.addFault(blobPath, { status: 403, times: 1 });
  await assert.rejects(pull(settings), { code: "REGISTRY_DENIED" });
  registry.requests.length = 0;
}

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]);
}

test("a pull to a file takes up the blob that the last one could not finish", async (t) => {
  const setup = await setUp(t);
  await cutPull(setup);
  const [name = "", ...more] = await setup.partials();
  assert.deepEqual(more, []);
  const { size } = await stat(join(setup.cacheDirectory, ".partials", name));
  const id = await setup.pull();
  assert.deepEqual(setup.ranges(), [`bytes=${size}-`]);
  assert.deepEqual(await setup.partials(), []);
  assert.deepEqual(await readdir(setup.location), [id]);
});

test("without a cache a pull to a file leaves nothing for the next one", async (t) => {
  const setup = await setUp(t);
  await cutPull(setup, {});
  assert.deepEqual(await readdir(setup.location), []);
  await setup.pull({});
  assert.deepEqual(setup.ranges(), [""]);
});

test("a pull to a file leaves alone what another one is fetching", async (t) => {
  const again = Promise.withResolvers<undefined>();
  const held = Promise.withResolvers<undefined>();
  let asked = 0;
  const setup = await setUp(t, async () => {
    asked += 1;
    if (asked !== 2) return;
    again.resolve(undefined);
    await held.promise;
  });
  setup.registry.addFault(blobPath, { truncateAt: CUT, times: 1 });
  const first = setup.pull();
  await again.promise;
  const id = await setup.pull();
  held.resolve(undefined);
  assert.equal(await first, id);
  const [whole, rest, other, ...more] = setup.ranges();
  assert.deepEqual([whole, other, more], ["", "", []]);
  assert.ok(startOf(rest) > 0);
  assert.deepEqual(await setup.partials(), []);
  assert.deepEqual(await readdir(setup.location), [id]);
});

/** `siflet pull --no-store` with a cache that the environment names. */
function startSiflet({ registry, location, cacheDirectory }: Setup): ChildProcess {
  const name = `${registry.host}/app:1`;
  const args = [PROGRAM, "pull", "--quiet", "--no-store", "--output", `${location}.sif`, name];
  return spawn(process.execPath, args, {
    env: { ...process.env, SIFLET_CACHEDIR: cacheDirectory },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`siflet pull --no-store takes up what one left that ${signal} ended`, async (t) => {
    const again = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    let asked = 0;
    const setup = await setUp(t, async () => {
      asked += 1;
      if (asked !== 2) return;
      again.resolve(undefined);
      await held.promise;
    });
    setup.registry.addFault(blobPath, { truncateAt: CUT, times: 1 });
    const first = startSiflet(setup);
    await again.promise;
    first.kill(signal);
    await once(first, "close");
    held.resolve(undefined);
    assert.equal((await setup.partials()).length, 1);
    setup.registry.requests.length = 0;
    const second = startSiflet(setup);
    await once(second, "close");
    assert.equal(second.exitCode, 0);
    const [range, ...more] = setup.ranges();
    assert.deepEqual(more, []);
    assert.ok(startOf(range) > 0);
    assert.deepEqual(await setup.partials(), []);
    const bytes = await readFile(`${setup.location}.sif`);
    assert.deepEqual(bytes, await readFile(join(setup.location, await setup.pull())));
  });
}
