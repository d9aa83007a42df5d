import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pullToStore } from "../../src/pull/index.ts";
import { leftovers, never, setUpPull } from "../fixtures/pull-setup.ts";
import {
  digestOf,
  makeImage,
  makeIndex,
  startRegistry,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const layers = [
  tar([{ path: "a/" }, { path: "a/f", data: "one" }]),
  tar([{ path: "b", data: "two" }]),
];
const good = makeImage({ layers });
const [first] = good.layers;
if (first === undefined) throw new Error("an image without layers");

interface Refusal {
  readonly name: string;
  readonly code: string;
  /** Puts the image up as `app:1`, wrong in one thing. */
  readonly prepare: (registry: FakeRegistry) => void;
}

const put = (image: Parameters<FakeRegistry["putImage"]>[1]) => (registry: FakeRegistry) => {
  registry.putImage("app", image, "1");
};
const blobPath = `/v2/app/blobs/${first.digest}`;

const refusals: readonly Refusal[] = [
  {
    name: "an unknown tag",
    code: "NOT_FOUND",
    prepare: (r) => {
      r.putImage("app", good, "2");
    },
  },
  { name: "an unknown repository", code: "NOT_FOUND", prepare: () => undefined },
  {
    name: "a truncated blob",
    code: "HTTP_UNREACHABLE",
    prepare: (r) => {
      put(good)(r);
      r.addFault(blobPath, { truncateAt: 20 });
    },
  },
  {
    name: "a blob of another digest",
    code: "CONTENT_DIGEST_MISMATCH",
    prepare: (r) => {
      put(good)(r);
      r.addFault(blobPath, { bytes: Buffer.alloc(first.size, 7) });
    },
  },
  {
    name: "a manifest that is no JSON",
    code: "MANIFEST_INVALID",
    prepare: (r) => {
      r.putManifest(
        "app",
        Buffer.from("not json"),
        "application/vnd.oci.image.manifest.v1+json",
        "1",
      );
    },
  },
  {
    name: "a manifest over 4 MiB",
    code: "LIMIT_MANIFEST_BYTES",
    prepare: (r) => {
      const bytes = Buffer.alloc(4 * 1024 * 1024 + 1, " ");
      r.putManifest("app", bytes, "application/vnd.oci.image.manifest.v1+json", "1");
    },
  },
  {
    name: "schema 1",
    code: "MANIFEST_SCHEMA1",
    prepare: (r) => {
      const bytes = Buffer.from('{"schemaVersion":1,"name":"app","fsLayers":[],"history":[]}');
      r.putManifest("app", bytes, "application/vnd.docker.distribution.manifest.v1+json", "1");
    },
  },
  {
    name: "an image for another architecture",
    code: "PLATFORM_NOT_FOUND",
    prepare: put(makeImage({ layers, platform: { os: "linux", architecture: "arm64" } })),
  },
  {
    name: "an index without this platform",
    code: "PLATFORM_NOT_FOUND",
    prepare: (r) => {
      const image = makeImage({ layers, platform: { os: "linux", architecture: "s390x" } });
      r.putIndex(
        "app",
        makeIndex([{ image, platform: { os: "linux", architecture: "s390x" } }]),
        "1",
      );
    },
  },
  {
    name: "fewer diffIDs than layers",
    code: "CONFIG_INVALID",
    prepare: put(
      makeImage({
        layers,
        configDocument: { rootfs: { type: "layers", diff_ids: [digestOf(layers[0] ?? tar([]))] } },
      }),
    ),
  },
  {
    name: "a diffID that is not the layer's",
    code: "CONTENT_DIGEST_MISMATCH",
    prepare: put(
      makeImage({
        layers,
        configDocument: {
          rootfs: { type: "layers", diff_ids: [digestOf(tar([])), digestOf(layers[1] ?? tar([]))] },
        },
      }),
    ),
  },
  {
    name: "a layer of an unknown compression",
    code: "LAYER_COMPRESSION",
    prepare: put(makeImage({ layers: [Buffer.from("BZh91AY&SY and more")], compression: "none" })),
  },
  {
    name: "a layer with a damaged header",
    code: "TAR_CHECKSUM",
    prepare: put(makeImage({ layers: [tar([{ path: "f", checksum: 1 }])] })),
  },
  {
    name: "a longer link target than the limit",
    code: "LIMIT_LINK_TARGET_BYTES",
    prepare: put(makeImage({ layers: [tar([{ path: "l", linkname: "x".repeat(4096) }])] })),
  },
];

describe("a pull that is refused leaves nothing behind", () => {
  for (const { name, code, prepare } of refusals) {
    test(name, async (t) => {
      await using registry = await startRegistry();
      prepare(registry);
      const setup = await setUpPull(t);
      const store = await setup.store();
      await assert.rejects(
        pullToStore(store, `${registry.host}/app:1`, setup.context, setup.options(), never),
        { code },
      );
      assert.deepEqual(await leftovers(store), []);
    });
  }

  test("a registry that cannot be reached", async (t) => {
    const registry = await startRegistry();
    const { host } = registry;
    await registry.close();
    const setup = await setUpPull(t);
    const store = await setup.store();
    await assert.rejects(
      pullToStore(store, `${host}/app:1`, setup.context, setup.options(), never),
      { code: "HTTP_UNREACHABLE" },
    );
    assert.deepEqual(await leftovers(store), []);
  });

  test("a pull that is aborted while a layer comes in", async (t) => {
    const stop = new AbortController();
    await using registry = await startRegistry({
      beforeBlob: async (digest) => {
        if (digest !== first.digest) return;
        stop.abort();
        await Promise.resolve();
      },
    });
    registry.putImage("app", good, "1");
    const setup = await setUpPull(t);
    const store = await setup.store();
    await assert.rejects(
      pullToStore(store, `${registry.host}/app:1`, setup.context, setup.options(), stop.signal),
      { name: "AbortError" },
    );
    assert.deepEqual(await leftovers(store), []);
  });
});
