import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { freeBytes, lowerPriority } from "../base/index.ts";
import type { BlockCompressor } from "./block-compressor.ts";
import { loadCompressorOf } from "./compressor-module.ts";
import {
  type Batch,
  type CompressedBatch,
  type CompressorSettings,
  type FromCompressor,
  type ToCompressor,
} from "./compressor-pool.ts";
import { fingerprintCodec } from "./golden-vectors.ts";
import { RAW_BLOCK } from "./stored-block.ts";

/** Fills `batch.output` with the blocks of `batch.input` one after another, each as stored. */
function compressBatch(compress: BlockCompressor, batch: Batch): CompressedBatch {
  const input = new Uint8Array(batch.input);
  const output = new Uint8Array(batch.output);
  const count = batch.lengths.length;
  const sizes = new Uint32Array(count);
  const checksums = new Uint32Array(count);
  let from = 0;
  let to = 0;
  for (let index = 0; index < count; index += 1) {
    const block = input.subarray(from, (from += batch.lengths[index] ?? 0));
    const packed = compress(block);
    const raw = packed.length >= block.length;
    const stored = raw ? block : packed;
    output.set(stored, to);
    to += stored.length;
    sizes[index] = raw ? stored.length | RAW_BLOCK : stored.length;
    checksums[index] = crc32(stored);
    freeBlock(packed);
  }
  return { id: batch.id, input: batch.input, output: batch.output, bytes: to, sizes, checksums };
}

/**
 * Gives the memory of a compressed block back at once. Left to the garbage collector, 64 MB of
 * blocks pile up in every thread before it looks.
 */
function freeBlock(block: Uint8Array): void {
  const { buffer } = block;
  // A buffer that is larger than the block, and than any that Node shares out, was made for it.
  const isOwn = buffer.byteLength > Buffer.poolSize && buffer instanceof ArrayBuffer;
  if (isOwn) buffer.transfer(0);
  else freeBytes(block);
}

const port = parentPort;
if (port === null) throw new Error("compress-thread runs as a worker");
const { settings, compressors } = workerData as CompressorSettings;
// On Linux this lowers the calling thread alone, so the thread that answers callers stays ahead.
lowerPriority();
const compress = await loadCompressorOf(compressors, settings);
port.on("message", (message: ToCompressor) => {
  if (message.kind === "fingerprint") {
    const fingerprint = fingerprintCodec(settings, compress);
    port.postMessage({ kind: "fingerprint", fingerprint } satisfies FromCompressor);
  } else {
    const done = compressBatch(compress, message.batch);
    port.postMessage({ kind: "batch", batch: done } satisfies FromCompressor, [
      done.input,
      done.output,
    ]);
  }
});
