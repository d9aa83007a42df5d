import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pullToStore } from "../../src/pull/index.ts";
import { never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";

const layers = [tar([{ path: "secret", data: "private" }]), tar([{ path: "more", data: "x" }])];
const image = makeImage({ layers });
/** The same content in other blobs: only the diffIDs are the same. */
const recompressed = makeImage({ layers, compression: "zstd" });

describe("content that is stored already", () => {
  test("the same name again costs HEAD requests alone", async (t) => {
    const { registry, setup, store, first } = await storePrivate(t);
    const before = registry.requests.length;
    const again = await pull(setup, store, `${registry.host}/private/app:1`);
    assert.equal(again.id, first.id);
    const asked = registry.requests.slice(before);
    assert.deepEqual(
      asked.map(({ method }) => method),
      ["HEAD"],
    );
    assert.equal(setup.events.at(-1)?.kind, "present");
  });

  test("another tag of the repository is recorded without a blob", async (t) => {
    const { registry, setup, store, first } = await storePrivate(t);
    registry.putImage("private/app", image, "2");
    const before = registry.requests.length;
    const again = await pull(setup, store, `${registry.host}/private/app:2`);
    assert.equal(again.id, first.id);
    assert.deepEqual(again.names.tags, [
      `${registry.host}/private/app:1`,
      `${registry.host}/private/app:2`,
    ]);
    assert.ok(registry.requests.slice(before).every(({ method }) => method === "HEAD"));
  });

  test("another repository of the host is asked whether the caller may read every blob", async (t) => {
    const { registry, setup, store, first } = await storePrivate(t);
    registry.putImage("public/app", image, "1");
    const before = registry.requests.length;
    const again = await pull(setup, store, `${registry.host}/public/app:1`);
    assert.equal(again.id, first.id);
    const asked = registry.requests.slice(before).filter(({ path }) => path.includes("/blobs/"));
    const heads = asked.filter(({ method }) => method === "HEAD").map(({ path }) => path);
    assert.deepEqual(
      heads,
      image.layers.map(({ digest }) => `/v2/public/app/blobs/${digest}`),
    );
    // The configuration is a document; no layer was fetched.
    assert.equal(asked.length, heads.length + 1);
  });

  test("a moved tag leaves its image and names the new one", async (t) => {
    const { registry, setup, store, first } = await storePrivate(t);
    registry.putImage("private/app", makeImage({ layers: [tar([{ path: "new" }])] }), "1");
    const moved = await pull(setup, store, `${registry.host}/private/app:1`);
    assert.notEqual(moved.id, first.id);
    const old = await store.findById(first.id);
    assert.deepEqual(old?.names.tags, []);
    assert.deepEqual(moved.names.tags, [`${registry.host}/private/app:1`]);
  });
});

describe("knowing a diffID is not permission", () => {
  test("a registry that claims an image and answers every HEAD gets nothing it does not deliver", async (t) => {
    const { setup, store, first } = await storePrivate(t);
    await using hostile = await startRegistry();
    hostile.putImage("evil/app", image, "1");
    for (const { digest } of image.layers) {
      hostile.addFault(`/v2/evil/app/blobs/${digest}`, { method: "GET", status: 404 });
    }
    const name = `${hostile.host}/evil/app:1`;
    await assert.rejects(pull(setup, store, name), { code: "NOT_FOUND" });
    const [stored, ...others] = await store.list();
    assert.deepEqual(others, []);
    assert.deepEqual(stored?.names, first.names, "the private image got no new name");
  });

  test("nor does one that delivers other bytes under the claimed digests", async (t) => {
    const { setup, store, first } = await storePrivate(t);
    await using hostile = await startRegistry();
    hostile.putImage("evil/app", image, "1");
    const [layer] = image.layers;
    assert.ok(layer !== undefined);
    hostile.addFault(`/v2/evil/app/blobs/${layer.digest}`, {
      method: "GET",
      bytes: Buffer.alloc(layer.size, 1),
    });
    await assert.rejects(pull(setup, store, `${hostile.host}/evil/app:1`), {
      code: "CONTENT_DIGEST_MISMATCH",
    });
    assert.deepEqual((await store.findById(first.id))?.names, first.names);
  });

  test("nor one whose own layers claim the diffIDs of the private ones", async (t) => {
    const { setup, store, first } = await storePrivate(t);
    await using hostile = await startRegistry();
    const claimed = makeImage({
      layers: [tar([{ path: "harmless" }]), tar([{ path: "also" }])],
      configDocument: { rootfs: { type: "layers", diff_ids: image.diffIds } },
    });
    hostile.putImage("evil/app", claimed, "1");
    await assert.rejects(pull(setup, store, `${hostile.host}/evil/app:1`), {
      code: "CONTENT_DIGEST_MISMATCH",
    });
    assert.deepEqual((await store.findById(first.id))?.names, first.names);
  });

  test("who delivers the content gets the stored image, without a conversion", async (t) => {
    const { setup, store, first } = await storePrivate(t);
    await using other = await startRegistry();
    other.putImage("mirror/app", recompressed, "1");
    const again = await pull(setup, store, `${other.host}/mirror/app:1`);
    assert.equal(again.id, first.id);
    assert.ok(!setup.events.slice(-4).some(({ kind }) => kind === "written"));
    const gets = other.requests.filter(({ method, path }) => {
      return method === "GET" && path.includes("/blobs/");
    });
    assert.equal(gets.length, recompressed.layers.length + 1, "every blob was fetched once");
  });
});

test("a pull that names a compressor gets an image of that compressor", async (t) => {
  const { registry, setup, store, first } = await storePrivate(t);
  const name = `${registry.host}/private/app:1`;
  const options = setup.options({ compression: "zstd" });
  const zstd = await pullToStore(store, name, setup.context, options, never);
  assert.notEqual(zstd.id, first.id);
  assert.equal(zstd.profile?.codec, "zstd/1");
  assert.deepEqual((await store.findById(first.id))?.names.tags, []);
  const any = await pull(setup, store, name);
  assert.equal(any.id, zstd.id, "one that names none takes what the name means");
});

interface Stored {
  readonly registry: FakeRegistry;
  readonly setup: PullSetup;
  readonly store: Store;
  readonly first: StoredImage;
}

async function storePrivate(t: Parameters<typeof setUpPull>[0]): Promise<Stored> {
  const registry = await startRegistry();
  t.after(async () => {
    await registry.close();
  });
  registry.putImage("private/app", image, "1");
  const setup = await setUpPull(t);
  const store = await setup.store();
  const first = await pull(setup, store, `${registry.host}/private/app:1`);
  return { registry, setup, store, first };
}

async function pull(setup: PullSetup, store: Store, name: string): Promise<StoredImage> {
  return await pullToStore(store, name, setup.context, setup.options(), never);
}
