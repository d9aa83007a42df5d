import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError } from "../../src/base/index.ts";
import { decompressLayer, LayerError } from "../../src/layers/index.ts";
import { inChunks, type ChunkSizes } from "../fixtures/in-chunks.ts";
import { gzipMember, trailer, zstdPart, type BlobPart } from "./blob-parts.ts";
import { chunkSizes } from "./chunk-sizes.ts";
import { edited, edits } from "./edits.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { seldom } from "./weights.ts";

interface BlobInput {
  readonly blob: Uint8Array;
  /** What it decompresses to, where nothing was changed. */
  readonly content: Uint8Array | undefined;
  readonly chunks: ChunkSizes;
  readonly layerBytes: number;
}

const MiB = 1024 * 1024;
/** What a chunk may hold, as `decompressLayer` promises. */
const MOST_IN_CHUNK = MiB;
/** Chunks of an input at most: single bytes of a large one take too long. */
const MOST_CHUNKS = 1000;

const blobInput: fc.Arbitrary<BlobInput> = fc
  .record({
    parts: fc.oneof(
      fc.array(gzipMember, { minLength: 1, maxLength: 4 }),
      fc.array(zstdPart, { minLength: 1, maxLength: 5 }),
    ),
    changes: seldom(edits(4)),
    trailers: seldom(fc.array(trailer, { minLength: 1, maxLength: 2 })),
    chunks: chunkSizes,
    layerBytes: fc.constantFrom(4 * MiB, 4 * MiB, 4 * MiB, 300_000),
  })
  .map(({ parts, changes, trailers, chunks, layerBytes }) => {
    const stored = Buffer.concat([...storedOf(parts), ...trailers]);
    const isSound = changes.length === 0 && trailers.length === 0;
    return {
      blob: edited(stored, changes),
      content: isSound ? Buffer.concat(parts.map(({ content }) => content)) : undefined,
      chunks,
      layerBytes,
    };
  });

function storedOf(parts: readonly BlobPart[]): readonly Uint8Array[] {
  return parts.map(({ stored }) => stored);
}

/**
 * Blobs of gzip and zstd, whole and in chunks: the same bytes or the same refusal, the right bytes
 * where nothing was changed, and never more of them than the limit.
 */
export const decompressTarget: FuzzTarget = fuzzTarget({
  inputs: blobInput,
  async answer({ blob, content, chunks, layerBytes }) {
    const whole = await decompressed(blob, [Math.max(1, blob.length)], layerBytes);
    const sizes = chunks.map((size) => Math.max(size, Math.ceil(blob.length / MOST_CHUNKS)));
    const cut = await decompressed(blob, sizes, layerBytes);
    assert.deepEqual(alike(cut, whole), alike(whole, cut), "another answer in chunks");
    if (content !== undefined) {
      const expected = content.length > layerBytes ? "LIMIT_LAYER_BYTES" : "read";
      assert.equal(whole.code, expected);
      if (whole.code === "read") assert.equal(whole.hash, hashOf([content]), "other bytes");
    }
    return whole.code;
  },
  show: ({ blob, chunks, layerBytes }) =>
    `${JSON.stringify({ chunks, layerBytes })} ${Buffer.from(blob).toString("base64")}`,
  batch: 100,
});

/**
 * The answer, as far as chunks must not change it. Decoders keep to themselves what they had of a
 * buffer when they meet damage, so that a limit within that buffer is passed or not.
 */
function alike(answer: Decompressed, other: Decompressed): Decompressed {
  const isRefused = answer.code !== "read";
  const isLimit = [answer, other].some(({ code }) => code === "LIMIT_LAYER_BYTES");
  return isRefused && isLimit ? { code: "refused", hash: "" } : answer;
}

interface Decompressed {
  readonly code: string;
  /** SHA-256 of the bytes; "" where they were refused. */
  readonly hash: string;
}

async function decompressed(
  blob: Uint8Array,
  sizes: ChunkSizes,
  layerBytes: number,
): Promise<Decompressed> {
  const tar = decompressLayer(chunksOf(blob, sizes), {
    limits: { ...DEFAULT_LIMITS, layerBytes },
    what: "test",
    mediaType: "",
    warn: () => undefined,
    signal: new AbortController().signal,
  });
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const chunk of tar) {
      assert.ok(chunk.length > 0 && chunk.length <= MOST_IN_CHUNK, `a chunk of ${chunk.length}`);
      total += chunk.length;
      assert.ok(total <= layerBytes, `${total} bytes`);
      chunks.push(new Uint8Array(chunk));
    }
  } catch (error) {
    if (!(error instanceof LayerError || error instanceof LimitError)) throw error;
    return { code: error.code, hash: "" };
  }
  return { code: "read", hash: hashOf(chunks) };
}

async function* chunksOf(bytes: Uint8Array, sizes: ChunkSizes): AsyncIterable<Uint8Array> {
  for (const chunk of inChunks(bytes, sizes)) yield await Promise.resolve(chunk);
}

function hashOf(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}
