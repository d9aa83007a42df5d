import { constants, zstdCompressSync } from "node:zlib";
import { assertNever } from "../base/index.ts";
import type { CodecSettings } from "./settings.ts";

/**
 * Compresses one block. The result may be larger than the input: whoever stores it then keeps the
 * input. Only for worker threads: it is synchronous, and libdeflate's module installs handlers for
 * uncaught exceptions on the thread that loads it.
 */
export type BlockCompressor = (block: Uint8Array) => Uint8Array;

export async function loadBlockCompressor(settings: CodecSettings): Promise<BlockCompressor> {
  switch (settings.compression) {
    case "gzip": {
      const { zlib } = await import("libdeflate");
      return (block) => zlib(block, settings.level);
    }
    case "zstd":
      return (block) => {
        // Without the pledged size the frame is not single-segment and the kernel refuses it; with
        // the default chunk size every call allocates and joins many small buffers.
        const frame = zstdCompressSync(block, {
          pledgedSrcSize: block.length,
          chunkSize: Math.max(1024, block.length),
          params: { [constants.ZSTD_c_compressionLevel]: settings.level },
        });
        if (((frame[4] ?? 0) & 0x20) === 0) throw new Error("zstd frame is not single-segment");
        return frame;
      };
    default:
      return assertNever(settings.compression);
  }
}
