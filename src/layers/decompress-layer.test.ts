import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError, type Limits } from "../base/index.ts";
import { tar, tarEnd, tarHeader } from "../../test/fixtures/tar/index.ts";
import { decompressLayer } from "./decompress-layer.ts";
import { LayerError } from "./layer-error.ts";

const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
const TAR = "application/vnd.oci.image.layer.v1.tar";
const never = new AbortController().signal;

interface Options {
  readonly limits?: Partial<Limits>;
  readonly mediaType?: string;
  readonly chunkBytes?: number;
  readonly warnings?: string[];
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = new Uint8Array(bytes.subarray(at, at + size));
    yield await Promise.resolve(chunk);
    chunk.fill(0xee); // whoever still reads it would tell nonsense
  }
}

function open(source: AsyncIterable<Uint8Array>, options: Options = {}): AsyncIterable<Uint8Array> {
  return decompressLayer(source, {
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    what: "test",
    mediaType: options.mediaType ?? "",
    warn: (message) => options.warnings?.push(message),
    signal: never,
  });
}

async function decompress(blob: Uint8Array, options: Options = {}): Promise<Uint8Array> {
  const chunkBytes = options.chunkBytes ?? Math.max(1, blob.length);
  const parts: Uint8Array[] = [];
  for await (const chunk of open(chunksOf(blob, chunkBytes), options)) {
    assert.ok(chunk.length > 0 && chunk.length <= 1024 * 1024);
    parts.push(new Uint8Array(chunk));
  }
  return Buffer.concat(parts);
}

/** Bytes that compress to about a half, the same in every run. */
function text(bytes: number): Uint8Array {
  const parts: string[] = [];
  for (let i = 0; i * 64 < bytes; i++) {
    parts.push(createHash("sha256").update(`${i}`).digest("hex"));
  }
  return Buffer.from(parts.join("")).subarray(0, bytes);
}

function zstd(content: Uint8Array, params: Record<number, number | boolean> = {}): Uint8Array {
  return zstdCompressSync(content, { pledgedSrcSize: content.length, params });
}

function concat(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

/** Sizes of chunks that do not make too many of `blob`. */
function chunkSizes(blob: Uint8Array): number[] {
  return [1, 7, 1000, 65_536, Infinity].filter((size) => blob.length / size < 2_000);
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0x55;
  return copy;
}

function skippable(content: Uint8Array, kind = 0): Uint8Array {
  const header = Buffer.from([0x50 + kind, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

const SMALL = text(2_500);
const LARGE = text(700_000);
const BOTH = concat(SMALL, LARGE);
const ZEROS = new Uint8Array(1_500_000);
const CHECKSUM = { [constants.ZSTD_c_checksumFlag]: 1 };
const gzip = gzipSync(SMALL);
const archive = tar([{ path: "a", data: SMALL }]);

const readings = [
  { name: "gzip", blob: gzip, content: SMALL },
  { name: "gzip of several members", blob: concat(gzip, gzipSync(LARGE)), content: BOTH },
  {
    name: "gzip with empty members",
    blob: concat(gzipSync(""), gzip, gzipSync(""), gzipSync(LARGE), gzipSync("")),
    content: BOTH,
  },
  { name: "gzip with trailing zeros", blob: concat(gzip, Buffer.alloc(1000)), content: SMALL },
  { name: "gzip of nothing", blob: gzipSync(""), content: new Uint8Array(0) },
  { name: "a small zstd frame", blob: zstd(SMALL), content: SMALL },
  { name: "a large zstd frame", blob: zstd(LARGE), content: LARGE },
  { name: "zstd without its size", blob: zstdCompressSync(LARGE), content: LARGE },
  { name: "zstd with checksums", blob: zstd(LARGE, CHECKSUM), content: LARGE },
  { name: "zstd of one byte over and over", blob: zstd(ZEROS), content: ZEROS },
  { name: "zstd of nothing", blob: zstd(new Uint8Array(0)), content: new Uint8Array(0) },
  {
    name: "many zstd frames of all sizes",
    blob: concat(
      zstd(SMALL, CHECKSUM),
      zstd(new Uint8Array(0)),
      zstdCompressSync(SMALL),
      zstd(LARGE),
      zstd(LARGE.subarray(0, 262_143)),
      zstd(LARGE.subarray(262_143, 524_287)),
    ),
    content: concat(SMALL, SMALL, LARGE, LARGE.subarray(0, 524_287)),
  },
  {
    name: "zstd with skippable frames first, between and last",
    blob: concat(
      skippable(Buffer.from("head")),
      zstd(SMALL),
      skippable(new Uint8Array(0), 15),
      zstd(LARGE, CHECKSUM),
      skippable(text(5000), 7),
    ),
    content: BOTH,
  },
  { name: "zstd of skippable frames alone", blob: skippable(SMALL), content: new Uint8Array(0) },
  { name: "a plain tar", blob: archive, content: archive },
  { name: "zeros", blob: tarEnd(), content: tarEnd() },
  { name: "a few zeros", blob: new Uint8Array(7), content: new Uint8Array(7) },
  { name: "nothing at all", blob: new Uint8Array(0), content: new Uint8Array(0) },
  {
    name: "a plain tar without magic",
    blob: tarHeader({ path: "a", magic: "v7" }),
    content: tarHeader({ path: "a", magic: "v7" }),
  },
  {
    name: "a plain tar of several MB",
    blob: concat(archive, new Uint8Array(3_000_000)),
    content: concat(archive, new Uint8Array(3_000_000)),
  },
];

for (const { name, blob, content } of readings) {
  test(`decompressLayer reads ${name}, in chunks of all sizes`, async () => {
    for (const chunkBytes of chunkSizes(blob)) {
      const got = await decompress(blob, { chunkBytes });
      assert.ok(Buffer.from(got).equals(content), `chunks of ${chunkBytes}`);
    }
  });
}

const frame = zstd(LARGE);
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
  { name: "gzip and other bytes", blob: concat(gzip, "other bytes"), code: "LAYER_CORRUPT" },
  {
    name: "gzip, zeros and other bytes",
    blob: concat(gzip, Buffer.alloc(5000), "other bytes"),
    code: "LAYER_CORRUPT",
  },
  {
    name: "gzip, zeros and a member",
    blob: concat(gzip, Buffer.alloc(3), gzip),
    code: "LAYER_CORRUPT",
  },
  { name: "gzip with a bad CRC", blob: changed(gzip, -8), code: "LAYER_CORRUPT" },
  { name: "gzip with a bad length", blob: changed(gzip, -4), code: "LAYER_CORRUPT" },
  { name: "gzip cut in its data", blob: gzip.subarray(0, 700), code: "LAYER_TRUNCATED" },
  { name: "gzip cut in its trailer", blob: gzip.subarray(0, -3), code: "LAYER_TRUNCATED" },
  { name: "gzip without its trailer", blob: gzip.subarray(0, -8), code: "LAYER_TRUNCATED" },
  { name: "gzip cut in its header", blob: gzip.subarray(0, 5), code: "LAYER_TRUNCATED" },
  {
    name: "gzip cut in its second member",
    blob: concat(gzip, gzip.subarray(0, 9)),
    code: "LAYER_TRUNCATED",
  },
  { name: "zstd and other bytes", blob: concat(frame, "other bytes"), code: "LAYER_CORRUPT" },
  { name: "zstd and zeros", blob: concat(frame, Buffer.alloc(8)), code: "LAYER_CORRUPT" },
  { name: "zstd cut in a block", blob: frame.subarray(0, -9), code: "LAYER_TRUNCATED" },
  { name: "zstd cut in its header", blob: frame.subarray(0, 6), code: "LAYER_TRUNCATED" },
  { name: "zstd cut in its magic", blob: concat(frame, "\x28"), code: "LAYER_TRUNCATED" },
  {
    name: "zstd cut in its second frame",
    blob: concat(zstd(SMALL), zstd(SMALL).subarray(0, -1)),
    code: "LAYER_TRUNCATED",
  },
  {
    name: "zstd cut in a skippable frame",
    blob: concat(frame, skippable(SMALL).subarray(0, 100)),
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
    blob: frame,
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
    blob: archive,
    limits: { layerBytes: archive.length - 1 },
    code: "LIMIT_LAYER_BYTES",
  },
  { name: "bzip2", blob: concat("BZh91AY&SY", SMALL), code: "LAYER_COMPRESSION" },
  { name: "text", blob: SMALL, code: "LAYER_COMPRESSION" },
  { name: "a few bytes", blob: Buffer.from("abc"), code: "LAYER_COMPRESSION" },
  { name: "the start of a gzip magic", blob: gzip.subarray(0, 2), code: "LAYER_COMPRESSION" },
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

const mediaTypes = [
  { mediaType: GZIP, blob: gzip, warning: undefined },
  {
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    blob: gzip,
    warning: undefined,
  },
  { mediaType: ZSTD, blob: frame, warning: undefined },
  { mediaType: TAR, blob: archive, warning: undefined },
  { mediaType: "", blob: gzip, warning: undefined },
  { mediaType: "application/octet-stream", blob: archive, warning: undefined },
  { mediaType: GZIP, blob: archive, warning: /says gzip, but the content is plain tar/ },
  { mediaType: GZIP, blob: frame, warning: /says gzip, but the content is zstd/ },
  { mediaType: TAR, blob: gzip, warning: /says plain tar, but the content is gzip/ },
  { mediaType: ZSTD, blob: new Uint8Array(0), warning: /says zstd, but the content is plain tar/ },
];

for (const [row, { mediaType, blob, warning }] of mediaTypes.entries()) {
  const does = warning === undefined ? "does not warn of" : "warns of";
  test(`decompressLayer ${does} media type "${mediaType}" (row ${row})`, async () => {
    const warnings: string[] = [];
    await decompress(blob, { mediaType, warnings });
    assert.equal(warnings.length, warning === undefined ? 0 : 1);
    if (warning !== undefined) assert.match(warnings[0] ?? "", warning);
  });
}

test("decompressLayer refuses an encrypted layer without reading it", async () => {
  let isRead = false;
  const source = {
    [Symbol.asyncIterator]() {
      isRead = true;
      return chunksOf(gzip, 100)[Symbol.asyncIterator]();
    },
  };
  const layer = open(source, { mediaType: `${GZIP}+encrypted` });
  await assert.rejects(Array.fromAsync(layer), { code: "LAYER_ENCRYPTED" });
  assert.equal(isRead, false);
});

interface WatchedSource extends AsyncIterable<Uint8Array> {
  readonly pulled: number;
  readonly isClosed: boolean;
}

/** The same gzip member over and over, without an end. */
function endless(member: Uint8Array): WatchedSource {
  const watch = { pulled: 0, isClosed: false };
  async function* members(): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        watch.pulled += 1;
        yield await Promise.resolve(member);
      }
    } finally {
      watch.isClosed = true;
    }
  }
  return Object.assign(watch, { [Symbol.asyncIterator]: members });
}

for (const { name, member } of [
  { name: "gzip", member: gzipSync(LARGE) },
  { name: "zstd", member: frame },
  { name: "zstd in small frames", member: zstd(SMALL) },
  { name: "plain", member: tar([{ path: "a", data: LARGE }]) },
]) {
  test(`decompressLayer reads no further ahead than it is asked for, and closes its source (${name})`, async () => {
    const source = endless(member);
    let chunks = 0;
    for await (const chunk of open(source)) {
      chunks += 1;
      // Every member is at least one chunk.
      assert.ok(chunk.length > 0 && source.pulled <= chunks, `${source.pulled} of ${chunks}`);
      if (chunks === 9) break;
    }
    assert.equal(source.isClosed, true);
  });

  test(`decompressLayer stops when it is aborted, and closes its source (${name})`, async () => {
    const source = endless(member);
    const abort = new AbortController();
    const options = { limits: DEFAULT_LIMITS, what: "test", mediaType: "", warn: () => undefined };
    const layer = decompressLayer(source, { ...options, signal: abort.signal });
    const read = async (): Promise<void> => {
      for await (const chunk of layer) if (chunk.length > 0) abort.abort();
    };
    await assert.rejects(read(), { name: "AbortError" });
    assert.equal(source.isClosed, true);
  });
}

test("decompressLayer passes on what its source throws", async () => {
  async function* broken(): AsyncIterable<Uint8Array> {
    yield gzip.subarray(0, 600);
    await Promise.reject(new RangeError("the disk is gone"));
  }
  await assert.rejects(Array.fromAsync(open(broken())), RangeError);
});

test("decompressLayer reads spoiled layers, or refuses them by its own errors, in all chunks", async () => {
  const blobs = [
    concat(gzipSync(text(3000)), gzipSync(text(100))),
    concat(zstd(text(3000), CHECKSUM), skippable(text(9)), zstdCompressSync(text(2000))),
  ];
  const spoiled = fc.record({
    blob: fc.constantFrom(...blobs),
    changes: fc.array(fc.record({ at: fc.nat(3000), byte: fc.nat(255) }), { maxLength: 2 }),
    end: fc.nat(4000),
    chunkBytes: fc.integer({ min: 1, max: 2000 }),
  });
  const outcome = async (blob: Uint8Array, chunkBytes: number): Promise<unknown> => {
    try {
      const content = await decompress(blob, { chunkBytes });
      return createHash("sha256").update(content).digest("hex");
    } catch (error) {
      if (error instanceof LayerError || error instanceof LimitError) return error.code;
      throw error;
    }
  };
  await fc.assert(
    fc.asyncProperty(spoiled, async ({ blob, changes, end, chunkBytes }) => {
      const bytes = Buffer.from(blob.subarray(0, end));
      for (const { at, byte: value } of changes) if (at < bytes.length) bytes[at] = value;
      const whole = await outcome(bytes, 10_000);
      assert.equal(await outcome(bytes, chunkBytes), whole);
    }),
    { numRuns: 150, seed: 4 },
  );
});
