import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, crc32, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { DEFAULT_LIMITS } from "../base/index.ts";
import { readTarUntil, sparseItem, tarEnd, tarEntry } from "../../test/fixtures/tar/index.ts";
import { decompressLayer } from "./decompress-layer.ts";
import { LayerError } from "./layer-error.ts";

// Small streams, cut at every byte: none is ever taken for whole.

const CONTENT = Buffer.from("some bytes, some bytes, and some bytes more ".repeat(8));
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
/** A member whose header has every field there is: extra, name, comment and its own checksum. */
function gzipWithEverything(content: Uint8Array): Uint8Array {
  const fields = Buffer.from("\x04\0abcdname\0comment\0", "latin1");
  const header = Buffer.concat([Buffer.from("1f8b081e000000000003", "hex"), fields]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  const headerSum = Buffer.alloc(2);
  headerSum.writeUInt16LE(crc32(header) & 0xffff);
  return Buffer.concat([header, headerSum, deflateRawSync(content), trailer]);
}

const streams = [
  { name: "gzip", blob: gzipSync(CONTENT) },
  { name: "gzip of nothing", blob: gzipSync("") },
  { name: "gzip with every field", blob: gzipWithEverything(CONTENT) },
  { name: "gzip, stored", blob: gzipSync(CONTENT.subarray(0, 60), { level: 0 }) },
  { name: "zstd", blob: zstdCompressSync(CONTENT, { pledgedSrcSize: CONTENT.length }) },
  { name: "zstd without its size", blob: zstdCompressSync(CONTENT) },
  { name: "zstd with a checksum", blob: zstdCompressSync(CONTENT, checksum) },
  { name: "zstd of nothing", blob: zstdCompressSync("") },
];

async function codeOf(blob: Uint8Array, chunkBytes: number): Promise<string> {
  async function* chunks(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < blob.length; at += chunkBytes) {
      yield await Promise.resolve(blob.subarray(at, at + chunkBytes));
    }
  }
  const layer = decompressLayer(chunks(), {
    limits: DEFAULT_LIMITS,
    what: "test",
    mediaType: "",
    warn: () => undefined,
    signal: new AbortController().signal,
  });
  try {
    for await (const chunk of layer) assert.ok(chunk.length > 0);
    return "read";
  } catch (error) {
    if (error instanceof LayerError) return error.code;
    throw error;
  }
}

describe("decompressLayer refuses every beginning of", () => {
  for (const { name, blob } of streams) {
    test(name, async () => {
      for (const chunkBytes of [blob.length, 1]) {
        assert.equal(await codeOf(blob, chunkBytes), "read");
        for (let bytes = 1; bytes < blob.length; bytes += 1) {
          // Less than a magic is no format that anyone knows.
          const isMagic = bytes >= (name.startsWith("gzip") ? 3 : 4);
          const expected = isMagic ? "LAYER_TRUNCATED" : "LAYER_COMPRESSION";
          assert.equal(
            await codeOf(blob.subarray(0, bytes), chunkBytes),
            expected,
            `${bytes} bytes`,
          );
        }
      }
    });

    test(`a second ${name}`, async () => {
      const first = name.startsWith("gzip") ? gzipSync("first") : zstdCompressSync("first");
      assert.equal(await codeOf(Buffer.concat([first, blob]), 1000), "read");
      for (let bytes = 1; bytes < blob.length; bytes += 1) {
        const cut = Buffer.concat([first, blob.subarray(0, bytes)]);
        for (const chunkBytes of [cut.length, 1]) {
          assert.equal(await codeOf(cut, chunkBytes), "LAYER_TRUNCATED", `${bytes} bytes`);
        }
      }
    });
  }
});

const entries = [
  { name: "a file", item: { path: "a", data: "x".repeat(600) } },
  { name: "a directory", item: { path: "a/" } },
  { name: "a link with a long target", item: { path: "a", linkname: "t".repeat(300) } },
  {
    name: "a GNU long name",
    item: { path: "L", type: "L", magic: "gnu", data: `${"n".repeat(200)}/${"n".repeat(200)}` },
  },
  ...(["gnu", "0.0", "0.1", "1.0"] as const).map((format) => ({
    name: `a sparse file, ${format}`,
    item: sparseItem(format, {
      path: "a",
      size: 5000,
      segments: Array.from({ length: 6 }, (_, index) => [index * 700, Buffer.from("x")] as const),
    }),
  })),
] as const;

describe("TarReader refuses every beginning of", () => {
  for (const { name, item } of entries) {
    test(name, () => {
      const entry = tarEntry(item);
      // An archive may end without an end marker, but only between two entries.
      const whole = Buffer.concat([entry, tarEntry({ path: "b" }), tarEnd()]);
      const mayEnd = new Set([0, whole.length - 1024, whole.length - 512]);
      if (!name.includes("name")) mayEnd.add(entry.length);
      for (let bytes = 0; bytes < whole.length; bytes += 1) {
        const { failure } = readTarUntil(whole.subarray(0, bytes));
        const isWhole = mayEnd.has(bytes) || bytes > whole.length - 512;
        if (isWhole) assert.equal(failure, undefined, `${bytes} bytes`);
        else {
          assert.ok(failure?.error instanceof LayerError, `${bytes} bytes`);
          assert.equal(failure.error.code, "TAR_TRUNCATED", `${bytes} bytes`);
        }
      }
    });
  }
});
