import { threadUrl } from "../base/index.ts";
import type { BlockCompressor } from "./block-compressor.ts";
import type { CodecSettings } from "./settings.ts";

/**
 * What a module of block compressors exports. Compressing is done on threads, and to those no
 * function can be passed, but the URL of a module can.
 */
export interface CompressorModule {
  readonly loadBlockCompressor: (settings: CodecSettings) => Promise<BlockCompressor>;
}

/** URL of siflet's own. */
export const BLOCK_COMPRESSORS: string = threadUrl(import.meta.url, "block-compressor").href;

/** The compressor of `settings` in the module at the URL `module`; for worker threads only. */
export async function loadCompressorOf(
  module: string,
  settings: CodecSettings,
): Promise<BlockCompressor> {
  const { loadBlockCompressor } = (await import(module)) as CompressorModule;
  return await loadBlockCompressor(settings);
}
