import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError } from "../base/index.ts";
import {
  chunksOf,
  open,
  decompress,
  text,
  zstd,
  concat,
  chunkSizes,
  skippable,
  SMALL,
  LARGE,
  BOTH,
  ZEROS,
  CHECKSUM,
  SMALL_GZIP,
  SMALL_TAR,
  LARGE_ZSTD,
} from "../../test/fixtures/layer-blobs.ts";
import { tar, tarEnd, tarHeader } from "../../test/fixtures/tar/index.ts";
import { decompressLayer } from "./decompress-layer.ts";
import { LayerError } from "./layer-error.ts";

const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
const TAR = "application/vnd.oci.image.layer.v1.tar";
const readings = [
  { name: "gzip", blob: SMALL_GZIP, content: SMALL },
  { name: "gzip of several members", blob: concat(SMALL_GZIP, gzipSync(LARGE)), content: BOTH },
  {
    name: "gzip with empty members",
    blob: concat(gzipSync(""), SMALL_GZIP, gzipSync(""), gzipSync(LARGE), gzipSync("")),
    content: BOTH,
  },
  {
    name: "gzip with trailing zeros",
    blob: concat(SMALL_GZIP, Buffer.alloc(1000)),
    content: SMALL,
  },
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
  { name: "a plain tar", blob: SMALL_TAR, content: SMALL_TAR },
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
    blob: concat(SMALL_TAR, new Uint8Array(3_000_000)),
    content: concat(SMALL_TAR, new Uint8Array(3_000_000)),
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

const mediaTypes = [
  { mediaType: GZIP, blob: SMALL_GZIP, warning: undefined },
  {
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    blob: SMALL_GZIP,
    warning: undefined,
  },
  { mediaType: ZSTD, blob: LARGE_ZSTD, warning: undefined },
  { mediaType: TAR, blob: SMALL_TAR, warning: undefined },
  { mediaType: "", blob: SMALL_GZIP, warning: undefined },
  { mediaType: "application/octet-stream", blob: SMALL_TAR, warning: undefined },
  { mediaType: GZIP, blob: SMALL_TAR, warning: /says gzip, but the content is plain tar/ },
  { mediaType: GZIP, blob: LARGE_ZSTD, warning: /says gzip, but the content is zstd/ },
  { mediaType: TAR, blob: SMALL_GZIP, warning: /says plain tar, but the content is gzip/ },
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
      return chunksOf(SMALL_GZIP, 100)[Symbol.asyncIterator]();
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
  { name: "zstd", member: LARGE_ZSTD },
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
    yield SMALL_GZIP.subarray(0, 600);
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
