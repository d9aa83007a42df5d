import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { parseDigest, parseImageName, type Descriptor } from "../../src/image/index.ts";
import { pullToFile, pullToStore } from "../../src/pull/index.ts";
import { pushSif } from "../../src/push/index.ts";
import type { StoredImage } from "../../src/store/index.ts";
import { leftovers, never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import {
  digestOf,
  makeImage,
  startRegistry,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";

const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = {
  mediaType: "application/vnd.sylabs.sif.config.v1+json",
  digest: digestOf(Buffer.from("{}")),
  size: 2,
};

/** A real SIF of an image, over 16 MiB, so that what came of it is kept. */
let sif: Buffer;

before(async (t) => {
  const setup = await setUpPull(t as unknown as TestContext);
  await using registry = await startRegistry();
  const layers = [tar([{ path: "f", data: noiseBytes("oras", 17_500_000) }])];
  registry.putImage("app", makeImage({ layers, config: { Env: ["A=1"] } }), "1");
  const path = join(setup.directory, "app.sif");
  const options = { ...setup.options(), force: false };
  await pullToFile(
    setup.directory,
    () => path,
    `${registry.host}/app:1`,
    setup.context,
    options,
    never,
  );
  sif = await readFile(path);
});

interface Setup extends PullSetup {
  readonly registry: FakeRegistry;
  readonly file: Descriptor;
  readonly put: (manifest: object, tag?: string) => void;
}

async function setUp(t: TestContext): Promise<Setup> {
  const registry = await startRegistry({ ranges: true });
  t.after(() => registry.close());
  registry.putBlob(Buffer.from("{}"));
  const file = { mediaType: SIF_LAYER, digest: registry.putBlob(sif), size: sif.length };
  const put = (manifest: object, tag = "1"): void => {
    const document = { schemaVersion: 2, mediaType: MANIFEST, config: CONFIG, ...manifest };
    registry.putManifest("app", Buffer.from(JSON.stringify(document)), MANIFEST, tag);
  };
  put({ layers: [file] });
  return { ...(await setUpPull(t)), registry, file, put };
}

async function pull(
  { registry, context, options }: Setup,
  store: Awaited<ReturnType<PullSetup["store"]>>,
  tag = "1",
): Promise<StoredImage> {
  const cache = { directory: join(store.directory, "packs"), maxBytes: 1e9 };
  return await pullToStore(
    store,
    `oras://${registry.host}/app:${tag}`,
    context,
    options({ cache }),
    never,
  );
}

test("the SIF file of an artifact is taken as it is, and its id is its digest", async (t) => {
  const setup = await setUp(t);
  const store = await setup.store();
  const image = await pull(setup, store);
  assert.equal(`sha256:${image.id}`, setup.file.digest);
  assert.ok((await readFile(image.path)).equals(sif));
  assert.equal(image.origin, "sif");
  assert.equal(image.sideLoaded, false);
  assert.deepEqual(image.names.tags, [`${setup.registry.host}/app:1`]);
  assert.deepEqual(JSON.parse(image.ociConfigJson ?? ""), { Env: ["A=1"] });
  assert.deepEqual(await readdir(join(store.directory, "tmp")), []);
});

test("the same artifact again costs HEAD requests alone", async (t) => {
  const setup = await setUp(t);
  const store = await setup.store();
  const first = await pull(setup, store);
  setup.registry.requests.length = 0;
  assert.equal((await pull(setup, store)).id, first.id);
  assert.deepEqual(
    setup.registry.requests.map(({ method }) => method),
    ["HEAD"],
  );
});

test("a file that the store has is given to who may read it there now, and to nobody else", async (t) => {
  const setup = await setUp(t);
  const store = await setup.store();
  await pull(setup, store);
  setup.put({ layers: [setup.file], annotations: { of: "another name" } }, "2");
  const blob = `/v2/app/blobs/${setup.file.digest}`;
  setup.registry.requests.length = 0;
  await pull(setup, store, "2");
  assert.deepEqual(
    setup.registry.paths("GET").filter((path) => path === blob),
    [],
  );
  setup.put({ layers: [setup.file], annotations: { of: "a third name" } }, "3");
  setup.registry.addFault(blob, { status: 403 });
  await assert.rejects(pull(setup, store, "3"), { code: "REGISTRY_DENIED" });
});

test("a manifest without digest and size of its configuration, or an old layer type, will do", async (t) => {
  const setup = await setUp(t);
  setup.put({
    layers: [setup.file],
    config: { mediaType: "application/vnd.sylabs.sif.config.v1" },
  });
  assert.equal(`sha256:${(await pull(setup, await setup.store("a"))).id}`, setup.file.digest);
  setup.put({ layers: [{ ...setup.file, mediaType: "appliciation/vnd.sylabs.sif.layer.tar" }] });
  assert.equal(`sha256:${(await pull(setup, await setup.store("b"))).id}`, setup.file.digest);
});

test("a file that breaks off is taken up within the pull, and by the next one", async (t) => {
  const setup = await setUp(t);
  const store = await setup.store();
  const blob = `/v2/app/blobs/${setup.file.digest}`;
  setup.registry.addFault(blob, { truncateAt: 10_000_000, times: 1 });
  setup.registry.addFault(blob, { status: 403, times: 1 });
  await assert.rejects(pull(setup, store), { code: "REGISTRY_DENIED" });
  setup.registry.requests.length = 0;
  const image = await pull(setup, store);
  assert.equal(`sha256:${image.id}`, setup.file.digest);
  const [range] = setup.registry.requests
    .filter(({ method, path }) => method === "GET" && path === blob)
    .map(({ headers }) => headers.range);
  assert.ok(Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]) > 0);
  assert.deepEqual(await readdir(join(store.directory, "packs", ".partials")), []);
});

test("a file that breaks off is taken up by the next pull to a file with the same cache", async (t) => {
  const { registry, directory, context, options, file } = await setUp(t);
  const blob = `/v2/app/blobs/${file.digest}`;
  registry.addFault(blob, { truncateAt: 10_000_000, times: 1 });
  registry.addFault(blob, { status: 403, times: 1 });
  const cache = { directory: join(directory, "cache"), maxBytes: 1e9 };
  const path = join(directory, "out.sif");
  const how = { ...options({ cache }), force: false };
  const fetch = async (): Promise<string> =>
    (await pullToFile(directory, () => path, `oras://${registry.host}/app:1`, context, how, never))
      .id;
  await assert.rejects(fetch(), { code: "REGISTRY_DENIED" });
  registry.requests.length = 0;
  assert.equal(`sha256:${await fetch()}`, file.digest);
  const [range] = registry.requests
    .filter((request) => request.method === "GET" && request.path === blob)
    .map(({ headers }) => headers.range);
  assert.ok(Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]) > 0);
  assert.deepEqual(await readdir(join(cache.directory, ".partials")), []);
});

test("a pull to a file gives the artifact's file", async (t) => {
  const { registry, directory, context, options } = await setUp(t);
  const path = join(directory, "out.sif");
  const how = { ...options(), force: false };
  const reference = `oras://${registry.host}/app:1`;
  const pulled = await pullToFile(directory, () => path, reference, context, how, never);
  assert.ok((await readFile(path)).equals(sif));
  assert.deepEqual([pulled.origin, pulled.profile], ["sif", undefined]);
  assert.deepEqual(pulled.config, { Env: ["A=1"] });
  assert.deepEqual(await readdir(directory), ["out.sif"]);
});

test("a title is no path: a pull looks at none (CVE-2021-21272)", async (t) => {
  const setup = await setUp(t);
  const title = "../../../evil.sif";
  const annotations = {
    "org.opencontainers.image.title": title,
    "io.deis.oras.content.unpack": "true",
  };
  setup.put({ layers: [{ ...setup.file, annotations }] });
  const store = await setup.store();
  const image = await pull(setup, store);
  assert.equal(image.path, join(store.directory, "images", `${image.id}.sif`));
  const files = await readdir(setup.directory, { recursive: true });
  assert.deepEqual(
    files.filter((path) => path.includes("evil")),
    [],
  );
  assert.equal(existsSync(join(setup.directory, title)), false);
});

const NO_SIF = Buffer.alloc(5000, "no sif");
for (const { name, code, change } of [
  {
    name: "other bytes than its digest",
    code: "CONTENT_DIGEST_MISMATCH",
    change: ({ registry, file }: Setup): void => {
      registry.addFault(`/v2/app/blobs/${file.digest}`, { bytes: Buffer.alloc(file.size) });
    },
  },
  {
    name: "a file that is no SIF",
    code: "SIF_MAGIC",
    change: ({ registry, put }: Setup): void => {
      const digest = registry.putBlob(NO_SIF);
      put({ layers: [{ mediaType: SIF_LAYER, digest, size: NO_SIF.length }] });
    },
  },
  {
    name: "squashfs layers of an OCI-SIF",
    code: "OCI_SIF",
    change: ({ file, put }: Setup): void => {
      put({ layers: [{ ...file, mediaType: "application/vnd.sylabs.image.layer.v1.squashfs" }] });
    },
  },
]) {
  test(`an artifact with ${name} is ${code}, and leaves nothing behind`, async (t) => {
    const setup = await setUp(t);
    change(setup);
    const store = await setup.store();
    await assert.rejects(pull(setup, store), { code });
    assert.deepEqual(await leftovers(store), []);
  });
}

test("an artifact for another architecture is PLATFORM_NOT_FOUND", async (t) => {
  const setup = await setUp(t);
  const store = await setup.store();
  const wish = setup.options({ platform: { os: "linux", architecture: "arm64" } });
  const reference = `oras://${setup.registry.host}/app:1`;
  await assert.rejects(pullToStore(store, reference, setup.context, wish, never), {
    code: "PLATFORM_NOT_FOUND",
  });
});

test("what is pushed is pulled again, the same file, and pushed again costs no bytes of it", async (t) => {
  const setup = await setUpPull(t);
  await using registry = await startRegistry();
  const path = join(setup.directory, "app.sif");
  await writeFile(path, sif);
  const digest = parseDigest(`sha256:${createHash("sha256").update(sif).digest("hex")}`);
  const file = { path, digest, size: sif.length, title: "app.sif" };
  const { registries } = setup.context;
  const sent: number[] = [];
  const push = async (name: string): ReturnType<typeof pushSif> =>
    await pushSif(
      file,
      parseImageName(`${registry.host}/${name}`),
      registries,
      { onSent: (bytes) => sent.push(bytes) },
      never,
    );
  const pushed = await push("team/app:1");
  assert.equal(pushed.wasThere, false);
  assert.equal(sent.at(-1), sif.length);
  assert.equal((await push("team/app:2")).wasThere, true);
  assert.equal((await push("team/app:2")).descriptor.digest, pushed.descriptor.digest);
  const store = await setup.store();
  const reference = `oras://${registry.host}/team/app@${pushed.descriptor.digest}`;
  const image = await pullToStore(store, reference, setup.context, setup.options(), never);
  assert.equal(`sha256:${image.id}`, digest);
});
