export { loadBlockCompressor, type BlockCompressor } from "./block-compressor.ts";
export { BLOCK_COMPRESSORS, loadCompressorOf, type CompressorModule } from "./compressor-module.ts";
export { BATCH_BYTES, CompressorPool, type CompressedBatch } from "./compressor-pool.ts";
export { codecIdOf, fingerprintCodec, GOLDEN_HASHES } from "./golden-vectors.ts";
export { CODECS, type CodecSettings } from "./settings.ts";
export { RAW_BLOCK, storedBytes } from "./stored-block.ts";
