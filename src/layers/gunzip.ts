import { createGunzip } from "node:zlib";
import type { ChunkCursor } from "./chunk-cursor.ts";
import { LayerError } from "./layer-error.ts";
import { DECODER_OPTIONS, PulledDecoder } from "./pulled-decoder.ts";

/**
 * Decompresses gzip of one or more members, with or without zeros behind the last.
 *
 * @param what - the layer, for messages
 * @returns chunks that are valid until the next is asked for
 * @throws LayerError `LAYER_CORRUPT` for bad data, checksum or length, or other bytes behind the
 *   last member; `LAYER_TRUNCATED`
 * @see layers.md §2
 */
export async function* gunzip(
  cursor: ChunkCursor,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  using decoder = new PulledDecoder(createGunzip(DECODER_OPTIONS), what);
  let taken = 0;
  while (!decoder.ended && (await cursor.fill())) {
    const piece = cursor.rest;
    yield* decoder.write(piece);
    const consumed = decoder.consumed - taken;
    cursor.advance(consumed);
    taken += consumed;
  }
  if (!decoder.ended) {
    yield* decoder.finish();
    return;
  }
  // The decoder ends at a zero behind a member and drops the rest, whatever it is.
  while (await cursor.fill()) {
    const { rest } = cursor;
    const at = rest.findIndex((byte) => byte !== 0);
    if (at >= 0) {
      const byte = rest[at] ?? 0;
      const message = `expected zeros behind the last gzip member, got byte 0x${byte.toString(16)}`;
      throw new LayerError("LAYER_CORRUPT", `${what}: ${message}`);
    }
    cursor.advance(rest.length);
  }
}
