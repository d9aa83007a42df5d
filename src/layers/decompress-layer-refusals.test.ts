import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Limits } from "../base/index.ts";
import {
  chunksOf,
  open,
  decompress,
  zstd,
  concat,
  chunkSizes,
  changed,
  skippable,
  SMALL,
  LARGE,
  ZEROS,
  CHECKSUM,
  SMALL_GZIP,
  SMALL_TAR,
  LARGE_ZSTD,
} from "../../test/fixtures/layer-blobs.ts";

/** Magic, and a descriptor with a field for the window's size, here 2^`log`. */
const windowOf = (log: number): Uint8Array =>
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, 0x01, 0, 0]);

/** Blocks of 128 KiB each that are one byte over and over, 4 bytes long; the last one is empty. */
function repeatedBlocks(count: number): Uint8Array {
  const block = Buffer.from("02001007", "hex");
  return Buffer.concat([
    ...Array.from({ length: count }, () => block),
    Buffer.from("010000", "hex"),
  ]);
}

interface Refusal {
  readonly name: string;
  readonly blob: Uint8Array;
  readonly code: string;
  readonly limits?: Partial<Limits>;
}

const refusals: readonly Refusal[] = [
  { name: "gzip and other bytes", blob: concat(SMALL_GZIP, "other bytes"), code: "LAYER_CORRUPT" },
  {
    name: "gzip, zeros and other bytes",
    blob: concat(SMALL_GZIP, Buffer.alloc(5000), "other bytes"),
    code: "LAYER_CORRUPT",
  },
  {
    name: "gzip, zeros and a member",
    blob: concat(SMALL_GZIP, Buffer.alloc(3), SMALL_GZIP),
    code: "LAYER_CORRUPT",
  },
  { name: "gzip with a bad CRC", blob: changed(SMALL_GZIP, -8), code: "LAYER_CORRUPT" },
  { name: "gzip with a bad length", blob: changed(SMALL_GZIP, -4), code: "LAYER_CORRUPT" },
  { name: "gzip cut in its data", blob: SMALL_GZIP.subarray(0, 700), code: "LAYER_TRUNCATED" },
  { name: "gzip cut in its trailer", blob: SMALL_GZIP.subarray(0, -3), code: "LAYER_TRUNCATED" },
  { name: "gzip without its trailer", blob: SMALL_GZIP.subarray(0, -8), code: "LAYER_TRUNCATED" },
  { name: "gzip cut in its header", blob: SMALL_GZIP.subarray(0, 5), code: "LAYER_TRUNCATED" },
  {
    name: "gzip cut in its second member",
    blob: concat(SMALL_GZIP, SMALL_GZIP.subarray(0, 9)),
    code: "LAYER_TRUNCATED",
  },
  { name: "zstd and other bytes", blob: concat(LARGE_ZSTD, "other bytes"), code: "LAYER_CORRUPT" },
  { name: "zstd and zeros", blob: concat(LARGE_ZSTD, Buffer.alloc(8)), code: "LAYER_CORRUPT" },
  { name: "zstd cut in a block", blob: LARGE_ZSTD.subarray(0, -9), code: "LAYER_TRUNCATED" },
  { name: "zstd cut in its header", blob: LARGE_ZSTD.subarray(0, 6), code: "LAYER_TRUNCATED" },
  { name: "zstd cut in its magic", blob: concat(LARGE_ZSTD, "\x28"), code: "LAYER_TRUNCATED" },
  {
    name: "zstd cut in its second frame",
    blob: concat(zstd(SMALL), zstd(SMALL).subarray(0, -1)),
    code: "LAYER_TRUNCATED",
  },
  {
    name: "zstd cut in a skippable frame",
    blob: concat(LARGE_ZSTD, skippable(SMALL).subarray(0, 100)),
    code: "LAYER_TRUNCATED",
  },
  {
    name: "zstd with a bad checksum, large",
    blob: changed(zstd(LARGE, CHECKSUM), -1),
    code: "LAYER_CORRUPT",
  },
  {
    name: "zstd with a bad checksum, small",
    blob: changed(zstd(SMALL, CHECKSUM), -1),
    code: "LAYER_CORRUPT",
  },
  {
    name: "zstd with more content than it says",
    blob: Buffer.from("28b52ffd2001190000616263", "hex"),
    code: "LAYER_CORRUPT",
  },
  {
    name: "zstd with a block of a reserved type",
    blob: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x07, 0, 0]),
    code: "LAYER_CORRUPT",
  },
  {
    name: "zstd with a block over 128 KiB",
    blob: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x78, 0x01, 0, 0x80, 0]),
    code: "LAYER_CORRUPT",
  },
  {
    name: "a zstd frame of endless empty blocks",
    blob: concat(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 1]), new Uint8Array(600_000)),
    code: "LAYER_CORRUPT",
  },
  {
    name: "zstd that needs a dictionary",
    blob: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 0, 0x01, 0, 0]),
    code: "LAYER_COMPRESSION",
  },
  {
    name: "a skippable zstd frame that promises 4 GiB",
    blob: Buffer.from("502a4d18ffffffff00", "hex"),
    code: "LAYER_TRUNCATED",
  },
  {
    name: "a zstd frame that promises 1 TiB in a small window",
    blob: Buffer.from("28b52ffdc0000000000000010000010000", "hex"),
    code: "LAYER_CORRUPT",
  },
  {
    name: "a zstd segment that promises 1 TiB",
    blob: Buffer.from("28b52ffde00000000000010000010000", "hex"),
    code: "LIMIT_ZSTD_WINDOW",
  },
  {
    name: "a zstd frame that says it is small, of many blocks",
    blob: concat(Buffer.from("28b52ffd40380000", "hex"), repeatedBlocks(20_000)),
    code: "LAYER_CORRUPT",
  },
  { name: "a zstd window of 256 MiB", blob: windowOf(28), code: "LIMIT_ZSTD_WINDOW" },
  { name: "a zstd window of 2^41", blob: windowOf(41), code: "LIMIT_ZSTD_WINDOW" },
  {
    name: "a zstd segment as large as no window may be",
    blob: LARGE_ZSTD,
    limits: { zstdWindowLog: 19 },
    code: "LIMIT_ZSTD_WINDOW",
  },
  {
    name: "a layer over its limit",
    blob: gzipSync(ZEROS),
    limits: { layerBytes: 1_499_999 },
    code: "LIMIT_LAYER_BYTES",
  },
  {
    name: "a plain layer over its limit",
    blob: SMALL_TAR,
    limits: { layerBytes: SMALL_TAR.length - 1 },
    code: "LIMIT_LAYER_BYTES",
  },
  { name: "bzip2", blob: concat("BZh91AY&SY", SMALL), code: "LAYER_COMPRESSION" },
  { name: "text", blob: SMALL, code: "LAYER_COMPRESSION" },
  { name: "a few bytes", blob: Buffer.from("abc"), code: "LAYER_COMPRESSION" },
  { name: "the start of a gzip magic", blob: SMALL_GZIP.subarray(0, 2), code: "LAYER_COMPRESSION" },
];

for (const { name, blob, code, limits = {} } of refusals) {
  test(`decompressLayer refuses ${name}, in chunks of all sizes`, async () => {
    for (const chunkBytes of chunkSizes(blob)) {
      const message = `chunks of ${chunkBytes}`;
      await assert.rejects(decompress(blob, { chunkBytes, limits }), { code }, message);
    }
  });
}

const bombs = [
  { name: "gzip", blob: gzipSync(new Uint8Array(40_000_000)) },
  { name: "gzip members", blob: concat(...Array.from({ length: 40 }, () => gzipSync(ZEROS))) },
  { name: "zstd", blob: zstd(new Uint8Array(40_000_000)) },
  {
    name: "zstd frames",
    blob: concat(...Array.from({ length: 400 }, () => zstd(new Uint8Array(100_000)))),
  },
  {
    name: "zstd of 4 bytes for each 128 KiB",
    blob: concat(Buffer.from("28b52ffd0038", "hex"), repeatedBlocks(100_000)),
  },
];

for (const { name, blob } of bombs) {
  test(`decompressLayer stops a bomb of ${name} at the limit, which it names`, async () => {
    const layerBytes = 8_000_000;
    let bytes = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of open(chunksOf(blob, 65_536), { limits: { layerBytes } })) {
        bytes += chunk.length;
      }
    };
    await assert.rejects(read(), {
      code: "LIMIT_LAYER_BYTES",
      message: "test: tar stream: more than the limit layerBytes = 8000000 allows",
    });
    assert.ok(bytes <= layerBytes && bytes > layerBytes - 1024 * 1024, `${bytes}`);
  });
}

test("decompressLayer takes exactly as many bytes, and a window as large, as the limits say", async () => {
  const layerBytes = ZEROS.length;
  assert.equal((await decompress(gzipSync(ZEROS), { limits: { layerBytes } })).length, layerBytes);
  const content = LARGE.subarray(0, 2 ** 19);
  const limits = { zstdWindowLog: 19 };
  assert.equal((await decompress(zstd(content), { limits })).length, content.length);
});

test("decompressLayer names xz, and the layer, when it refuses it", async () => {
  const blob = Buffer.from("fd377a585a000004e6d6b446", "hex");
  await assert.rejects(decompress(blob), { message: "test: expected gzip, zstd or tar, got xz" });
});
