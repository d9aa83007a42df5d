import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS, LIMIT_CODES, type Limits } from "../base/index.ts";
import { parseDigest } from "../image/index.ts";
import {
  convertLayers,
  zstdBlob,
  type ConvertHow,
  type LayerInput,
} from "../../test/fixtures/convert-layers.ts";
import { GOLDEN, GOLDEN_CONFIG } from "../../test/fixtures/golden-images.ts";
import { goldenLayers } from "../../test/fixtures/golden-layers.ts";
import { tar as makeTar } from "../../test/fixtures/tar/index.ts";
import { noiseBytes } from "../../test/real/index.ts";

const config = GOLDEN_CONFIG;
const layers: LayerInput[] = goldenLayers().map((tar) => ({ tar }));

const profiles: readonly { readonly key: keyof typeof GOLDEN; readonly how: ConvertHow }[] = [
  { key: "gzip/1 image layout/1", how: {} },
  { key: "gzip/1 root layout/1", how: { rootOwns: true } },
  { key: "zstd/1 image layout/1", how: { compression: "zstd" } },
  { key: "gzip/1 image plain/1", how: { layout: "plain" } },
  { key: "zstd/1 image plain/1", how: { compression: "zstd", layout: "plain" } },
];

describe("golden images", () => {
  for (const { key, how } of profiles) {
    test(key, async (t) => {
      const { id, codec } = await convertLayers(t, layers, { config, ...how });
      assert.equal(codec, key.split(" ")[0]);
      assert.equal(id, GOLDEN[key]);
    });
  }

  for (const jobs of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`the same with ${jobs} jobs`, async (t) => {
      const gzip = await convertLayers(t, layers, { config, jobs });
      assert.equal(gzip.id, GOLDEN["gzip/1 image layout/1"]);
      const zstd = await convertLayers(t, layers, { config, jobs, compression: "zstd" });
      assert.equal(zstd.id, GOLDEN["zstd/1 image layout/1"]);
    });
  }

  const same = [
    { name: "layers in reverse order", how: { isReversed: true } },
    { name: "the lowest layer merged ahead", how: { mergesAhead: 1 } },
    { name: "all layers merged ahead", how: { mergesAhead: 2 } },
    { name: "spooled blobs in odd pieces", how: { spools: true, chunk: 4099 } },
  ];
  for (const { name, how } of same) {
    test(`the same with ${name}`, async (t) => {
      const { id } = await convertLayers(t, layers, { config, ...how });
      assert.equal(id, GOLDEN["gzip/1 image layout/1"]);
      const plain = await convertLayers(t, layers, { config, ...how, layout: "plain" });
      assert.equal(plain.id, GOLDEN["gzip/1 image plain/1"]);
    });
  }

  test("the same from zstd and from uncompressed layers", async (t) => {
    const [lower, upper] = goldenLayers();
    const mixed = [
      { tar: lower, blob: zstdBlob(lower) },
      { tar: upper, blob: upper },
    ];
    const { id, warnings } = await convertLayers(t, mixed, { config });
    assert.equal(id, GOLDEN["gzip/1 image layout/1"]);
    assert.ok(warnings.length >= 2, "content that is not what its media type says is reported");
  });
});

const small = makeTar([{ path: "f", data: Buffer.from("content") }]);

/** A byte in each of a hundred blocks: little to read and much to write. */
const islands = makeTar([
  {
    path: "f",
    data: "x".repeat(100),
    pax: {
      "GNU.sparse.size": "13107200",
      "GNU.sparse.numblocks": "100",
      "GNU.sparse.map": Array.from({ length: 100 }, (_, i) => `${i * 131_072},1`).join(","),
    },
  },
]);

describe("layers that are refused", () => {
  const zero = parseDigest(`sha256:${"0".repeat(64)}`);
  const gzip = zstdBlob(small);
  const refusals: { name: string; layer: LayerInput; code: string; limits?: Partial<Limits> }[] = [
    {
      name: "a blob of another digest",
      layer: { tar: small, digest: zero },
      code: "CONTENT_DIGEST_MISMATCH",
    },
    {
      name: "another diffID",
      layer: { tar: small, diffId: zero },
      code: "CONTENT_DIGEST_MISMATCH",
    },
    {
      name: "a cut blob",
      layer: { tar: small, blob: gzip.subarray(0, 40) },
      code: "LAYER_TRUNCATED",
    },
    {
      name: "an unknown compression",
      layer: { tar: small, blob: Buffer.from("BZh91AY&SY") },
      code: "LAYER_COMPRESSION",
    },
    { name: "a damaged header", layer: { tar: damaged(small) }, code: "TAR_CHECKSUM" },
    {
      name: "more bytes than the limit",
      layer: { tar: small },
      code: LIMIT_CODES.layerBytes,
      limits: { layerBytes: 512 },
    },
    {
      name: "more entries than the limit",
      layer: { tar: small },
      code: LIMIT_CODES.entries,
      limits: { entries: 0 },
    },
    {
      name: "more holes in the blocks of data than the limit",
      layer: { tar: islands },
      code: LIMIT_CODES.imageBytes,
      limits: { imageBytes: islands.length + 50 * 131_072 },
    },
    {
      name: "bytes that are neither the blob nor any layer",
      layer: { tar: small, blob: Buffer.from("BZh91AY&SY"), digest: zero },
      code: "CONTENT_DIGEST_MISMATCH",
    },
    {
      name: "a whiteout of nothing",
      layer: { tar: makeTar([{ path: ".wh." }]) },
      code: "TREE_WHITEOUT",
    },
  ];
  for (const { name, layer, code, limits } of refusals) {
    for (const spools of [false, true]) {
      test(`${name}${spools ? ", spooled" : ""}`, async (t) => {
        const how = { spools, limits: { ...DEFAULT_LIMITS, ...limits } };
        await assert.rejects(convertLayers(t, [layer], how), { code });
      });
    }
  }

  test("an architecture that a SIF cannot name", async (t) => {
    await assert.rejects(convertLayers(t, [{ tar: small }], { architecture: "vax" }), {
      code: "SIF_ARCHITECTURE",
    });
  });
});

test("more layers at once than buffers do not wait for each other", async (t) => {
  const many = Array.from({ length: 9 }, (_, index) => ({
    tar: makeTar([
      { path: `small-${index}`, data: noiseBytes(`small ${index}`, 3000) },
      { path: `large-${index}`, data: noiseBytes(`large ${index}`, 900_000) },
    ]),
  }));
  const { files } = await convertLayers(t, many, { jobs: 1, chunk: 10_000 });
  assert.ok(files > 18);
});

test("what is wrong with layers that were merged ahead is told when the image is asked for", async (t) => {
  const layers = [{ tar: small }, { tar: makeTar([{ path: "g", data: "more" }]) }];
  const how = { mergesAhead: 2, limits: { ...DEFAULT_LIMITS, entries: 1 } };
  await assert.rejects(convertLayers(t, layers, how), { code: LIMIT_CODES.entries });
});

test("an aborted conversion ends with the signal's reason", async (t) => {
  const signal = AbortSignal.abort();
  await assert.rejects(convertLayers(t, [{ tar: small }], { signal }), { name: "AbortError" });
});

test("an image without layers holds what siflet adds", async (t) => {
  const { files, partition, path, size } = await convertLayers(t, []);
  assert.ok(files > 20);
  assert.equal(partition.offset % 4096, 0);
  assert.equal(partition.offset + partition.size, size);
  assert.equal((await readFile(path)).length, size);
});

test("the text that runtimes look for never stands where they look", async (t) => {
  const launch = Buffer.concat([
    noiseBytes("before", 200),
    Buffer.from("#!/usr/bin/env run-singularity\n"),
    noiseBytes("after", 200_000),
  ]);
  const tar = makeTar([{ path: ".a", data: launch }]);
  const { path, partition } = await convertLayers(t, [{ tar }]);
  const bytes = await readFile(path);
  const window = bytes.subarray(partition.offset, partition.offset + 2048);
  assert.ok(!window.includes(" run-singularity"));
  assert.ok(bytes.subarray(partition.offset + 4096).includes(" run-singularity"));
});

function damaged(tar: Uint8Array): Buffer {
  const copy = Buffer.from(tar);
  copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
  return copy;
}
