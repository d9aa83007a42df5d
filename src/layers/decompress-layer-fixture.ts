import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { DEFAULT_LIMITS, type Limits } from "../base/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { decompressLayer } from "./decompress-layer.ts";

const never = new AbortController().signal;

export interface Options {
  readonly limits?: Partial<Limits>;
  readonly mediaType?: string;
  readonly chunkBytes?: number;
  readonly warnings?: string[];
}

export async function* chunksOf(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = new Uint8Array(bytes.subarray(at, at + size));
    yield await Promise.resolve(chunk);
    chunk.fill(0xee); // whoever still reads it would tell nonsense
  }
}

export function open(
  source: AsyncIterable<Uint8Array>,
  options: Options = {},
): AsyncIterable<Uint8Array> {
  return decompressLayer(source, {
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    what: "test",
    mediaType: options.mediaType ?? "",
    warn: (message) => options.warnings?.push(message),
    signal: never,
  });
}

export async function decompress(blob: Uint8Array, options: Options = {}): Promise<Uint8Array> {
  const chunkBytes = options.chunkBytes ?? Math.max(1, blob.length);
  const parts: Uint8Array[] = [];
  for await (const chunk of open(chunksOf(blob, chunkBytes), options)) {
    assert.ok(chunk.length > 0 && chunk.length <= 1024 * 1024);
    parts.push(new Uint8Array(chunk));
  }
  return Buffer.concat(parts);
}

/** Bytes that compress to about a half, the same in every run. */
export function text(bytes: number): Uint8Array {
  const parts: string[] = [];
  for (let i = 0; i * 64 < bytes; i++) {
    parts.push(createHash("sha256").update(`${i}`).digest("hex"));
  }
  return Buffer.from(parts.join("")).subarray(0, bytes);
}

export function zstd(
  content: Uint8Array,
  params: Record<number, number | boolean> = {},
): Uint8Array {
  return zstdCompressSync(content, { pledgedSrcSize: content.length, params });
}

export function concat(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

/** Sizes of chunks that do not make too many of `blob`. */
export function chunkSizes(blob: Uint8Array): number[] {
  return [1, 7, 1000, 65_536, Infinity].filter((size) => blob.length / size < 2_000);
}

export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0x55;
  return copy;
}

export function skippable(content: Uint8Array, kind = 0): Uint8Array {
  const header = Buffer.from([0x50 + kind, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

export const SMALL: Uint8Array = text(2_500);
export const LARGE: Uint8Array = text(700_000);
export const BOTH: Uint8Array = concat(SMALL, LARGE);
export const ZEROS: Uint8Array = new Uint8Array(1_500_000);
export const CHECKSUM: Readonly<Record<number, number>> = { [constants.ZSTD_c_checksumFlag]: 1 };
export const SMALL_GZIP: Uint8Array = gzipSync(SMALL);
export const SMALL_TAR: Uint8Array = tar([{ path: "a", data: SMALL }]);
export const LARGE_ZSTD: Uint8Array = zstd(LARGE);
