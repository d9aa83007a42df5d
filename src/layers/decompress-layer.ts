import { limitError, type Limits } from "../base/index.ts";
import { ChunkCursor } from "./chunk-cursor.ts";
import { gunzip } from "./gunzip.ts";
import {
  compressionOf,
  SNIFFED_BYTES,
  sniffCompression,
  type LayerCompression,
} from "./layer-compression.ts";
import { LayerError } from "./layer-error.ts";
import { unzstd } from "./unzstd.ts";

/** The largest chunk that is yielded. */
const MAX_CHUNK_BYTES = 1024 * 1024;

export interface DecompressOptions {
  readonly limits: Limits;
  /** The layer, as the user knows it, for messages. */
  readonly what: string;
  readonly warn: (message: string) => void;
  /** What the descriptor says; where the content is something else, it wins and `warn` is told. */
  readonly mediaType: string;
  readonly signal: AbortSignal;
}

/**
 * Yields the tar stream of a layer, gzip, zstd or plain, to its last byte.
 *
 * Every chunk has 1 byte to 1 MiB and is valid until the next one is asked for: its memory may be
 * freed or used again then. Nothing is read from `source`, and hardly anything decoded, that the
 * consumer has not asked for; when it stops early, `source` is closed. A few buffers of 256 KiB
 * are held, and the zstd window.
 *
 * @param source - the blob's bytes; a chunk must stay as it is until the next is asked for
 * @throws LayerError `LAYER_ENCRYPTED`, `LAYER_COMPRESSION`, `LAYER_CORRUPT`, `LAYER_TRUNCATED`
 * @throws LimitError `LIMIT_LAYER_BYTES`, `LIMIT_ZSTD_WINDOW`
 * @see layers.md §2
 */
export async function* decompressLayer(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
): AsyncIterable<Uint8Array> {
  const { limits, what, mediaType, signal } = options;
  if (mediaType.endsWith("+encrypted")) {
    const message = `expected a layer that anyone can read, got media type ${mediaType}`;
    throw new LayerError("LAYER_ENCRYPTED", `${what}: ${message}`);
  }
  const iterator = source[Symbol.asyncIterator]();
  try {
    const cursor = new ChunkCursor(iterator, signal);
    const head = await cursor.peek(SNIFFED_BYTES);
    const compression = sniffCompression(head.subarray(0, SNIFFED_BYTES), what);
    warnOfMismatch(compression, options);
    let total = 0;
    for await (const chunk of decoded(cursor, compression, options)) {
      total += chunk.length;
      if (total > limits.layerBytes) throw limitError(limits, "layerBytes", `${what}: tar stream`);
      yield chunk;
    }
  } finally {
    await iterator.return?.();
  }
}

function decoded(
  cursor: ChunkCursor,
  compression: LayerCompression,
  options: DecompressOptions,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "gzip":
      return gunzip(cursor, options.what);
    case "zstd":
      return unzstd(cursor, options);
    case "none":
      return stored(cursor);
  }
}

async function* stored(cursor: ChunkCursor): AsyncGenerator<Uint8Array, void, undefined> {
  while (await cursor.fill()) {
    const chunk = cursor.rest.subarray(0, MAX_CHUNK_BYTES);
    yield chunk;
    cursor.advance(chunk.length);
  }
}

function warnOfMismatch(
  compression: LayerCompression,
  { what, mediaType, warn }: DecompressOptions,
): void {
  const expected = compressionOf(mediaType);
  if (expected === undefined || expected === compression) return;
  const [says, is] = [expected, compression].map((it) => (it === "none" ? "plain tar" : it));
  warn(`${what}: media type ${mediaType} says ${says ?? ""}, but the content is ${is ?? ""}`);
}
