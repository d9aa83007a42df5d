import { viewOf } from "../base/index.ts";

const NAMES = ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"] as const;
const MAGIC = 0x7371_7368;

/** Any compressor that an image may name, whether we read it or not. */
export type CompressorName = (typeof NAMES)[number];

/**
 * The compressor that the superblock names.
 *
 * @param bytes - the first 96 of an image
 * @returns undefined for what is no image, or names none of the known ones
 */
export function compressorName(bytes: Uint8Array): CompressorName | undefined {
  if (bytes.length < 22) return undefined;
  const view = viewOf(bytes);
  return view.getUint32(0, true) === MAGIC ? NAMES[view.getUint16(20, true) - 1] : undefined;
}
