import { constants, createZstdDecompress, zstdDecompressSync } from "node:zlib";
import { limitError, viewOf, type Limits } from "../base/index.ts";
import type { ChunkCursor } from "./chunk-cursor.ts";
import { isSkippableMagic, isZstdMagic } from "./layer-compression.ts";
import { LayerError } from "./layer-error.ts";
import {
  DECODER_OPTIONS,
  decoderError,
  freeOutput,
  OUTPUT_BYTES,
  PulledDecoder,
} from "./pulled-decoder.ts";
import {
  MAX_ZSTD_HEADER_BYTES,
  parseZstdFrameHeader,
  ZstdFrameWalker,
  type ZstdFrameHeader,
} from "./zstd-frame.ts";

/** A skippable frame is its magic, a length, and as many bytes. */
const SKIPPABLE_HEADER_BYTES = 8;

/** Node refuses to make a decoder with less than this, which is the format's own least. */
const MIN_WINDOW_LOG = 10;

export interface UnzstdOptions {
  readonly limits: Limits;
  /** The layer, for messages. */
  readonly what: string;
}

/**
 * Decompresses zstd of any number of frames, skippable ones among them. The frames are found here,
 * for Node's decoders end at the first one without a word and drop what follows.
 *
 * @returns chunks that are valid until the next is asked for
 * @throws LayerError `LAYER_CORRUPT`, `LAYER_TRUNCATED`, `LAYER_COMPRESSION` (a dictionary)
 * @throws LimitError `LIMIT_ZSTD_WINDOW`, before anything of that size is allocated
 * @see layers.md §2; RFC 8878 §3.1
 */
export async function* unzstd(
  cursor: ChunkCursor,
  options: UnzstdOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  while (await cursor.fill()) {
    const head = await cursor.peek(MAX_ZSTD_HEADER_BYTES);
    if (isSkippableMagic(head)) {
      await skipFrame(cursor, head, options.what);
      continue;
    }
    const header = checkedHeader(head, options);
    if (header.contentBytes !== undefined && header.contentBytes < OUTPUT_BYTES) {
      yield* smallFrame(cursor, header, options.what);
    } else {
      yield* largeFrame(cursor, header, options);
    }
  }
}

function checkedHeader(head: Uint8Array, { limits, what }: UnzstdOptions): ZstdFrameHeader {
  if (head.length >= 4 && !isZstdMagic(head)) {
    const got = Buffer.from(head.subarray(0, 4)).toString("hex");
    throw new LayerError("LAYER_CORRUPT", `${what}: expected a zstd frame or the end, got ${got}`);
  }
  const header = parseZstdFrameHeader(head);
  if (header === undefined) throw truncated(what);
  if (header.windowBytes > 2 ** limits.zstdWindowLog) {
    const log = Math.ceil(Math.log2(header.windowBytes));
    throw limitError(limits, "zstdWindowLog", `${what}: zstd window`, log);
  }
  if (header.dictionaryId !== 0) {
    const got = `dictionary ${header.dictionaryId}`;
    throw new LayerError("LAYER_COMPRESSION", `${what}: expected zstd on its own, got ${got}`);
  }
  return header;
}

async function skipFrame(cursor: ChunkCursor, head: Uint8Array, what: string): Promise<void> {
  if (head.length < SKIPPABLE_HEADER_BYTES) throw truncated(what);
  let left = SKIPPABLE_HEADER_BYTES + viewOf(head).getUint32(4, true);
  while (left > 0) {
    if (!(await cursor.fill())) throw truncated(what);
    const step = Math.min(left, cursor.rest.length);
    cursor.advance(step);
    left -= step;
  }
}

/**
 * Decodes a frame at once. Layers made for lazy pulling are tens of thousands of these, and one of
 * 4 KiB costs 23 µs this way, against 380 µs in a stream of its own. The large buffer, freed by
 * hand, is cheaper than one of the frame's size that waits for the garbage collector.
 */
async function* smallFrame(
  cursor: ChunkCursor,
  header: ZstdFrameHeader,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const frame = await wholeFrame(cursor, header, what);
  let content: Uint8Array;
  try {
    content = zstdDecompressSync(frame, { chunkSize: OUTPUT_BYTES });
  } catch (error) {
    throw error instanceof Error ? decoderError(error, what) : error;
  }
  if (content.length > 0) yield content;
  freeOutput(content);
}

/** All bytes of a small frame: a view where one chunk holds it, else a copy. */
async function wholeFrame(
  cursor: ChunkCursor,
  header: ZstdFrameHeader,
  what: string,
): Promise<Uint8Array> {
  const walker = new ZstdFrameWalker(header);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  while (await cursor.fill()) {
    const piece = nextPiece(cursor, walker, what);
    if (walker.done) return pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
    pieces.push(new Uint8Array(piece));
    bytes += piece.length;
    // No encoder makes a frame longer than its content by more than some bytes for each block.
    if (bytes > 2 * OUTPUT_BYTES) {
      const message = `expected a zstd frame of ${header.contentBytes ?? 0} bytes of content`;
      throw new LayerError("LAYER_CORRUPT", `${what}: ${message}, got over ${bytes} compressed`);
    }
  }
  throw truncated(what);
}

async function* largeFrame(
  cursor: ChunkCursor,
  header: ZstdFrameHeader,
  { limits, what }: UnzstdOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const windowLog = Math.max(MIN_WINDOW_LOG, limits.zstdWindowLog);
  const params = { [constants.ZSTD_d_windowLogMax]: windowLog };
  using decoder = new PulledDecoder(createZstdDecompress({ ...DECODER_OPTIONS, params }), what);
  const walker = new ZstdFrameWalker(header);
  let bytes = 0;
  while (!walker.done) {
    if (!(await cursor.fill())) throw truncated(what);
    for await (const chunk of decoder.write(nextPiece(cursor, walker, what))) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  for await (const chunk of decoder.finish()) {
    bytes += chunk.length;
    yield chunk;
  }
  // The decoder itself does not look where the last block is empty.
  if (header.contentBytes !== undefined && bytes !== header.contentBytes) {
    const message = `expected a zstd frame of ${header.contentBytes} bytes of content, got ${bytes}`;
    throw new LayerError("LAYER_CORRUPT", `${what}: ${message}`);
  }
}

/** Takes what belongs to the frame of the current chunk. */
function nextPiece(cursor: ChunkCursor, walker: ZstdFrameWalker, what: string): Uint8Array {
  const { rest } = cursor;
  const length = walker.walk(rest);
  if (length === undefined) {
    const message = "expected a block of at most 128 KiB of a known type, got another";
    throw new LayerError("LAYER_CORRUPT", `${what}: zstd frame: ${message}`);
  }
  cursor.advance(length);
  return rest.subarray(0, length);
}

function truncated(what: string): LayerError {
  const message = "expected the rest of a zstd frame, got the end";
  return new LayerError("LAYER_TRUNCATED", `${what}: ${message}`);
}
