import { LayerError } from "./layer-error.ts";
import { BLOCK_BYTES, judgeBlock } from "./tar-header.ts";

/** How the tar archive of a layer is stored. */
export type LayerCompression = "gzip" | "zstd" | "none";

/** Bytes from the start of a layer that tell its compression for certain. */
export const SNIFFED_BYTES: number = BLOCK_BYTES;

const FOREIGN = [
  { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
] as const;

/** Little-endian 50 2a 4d 18 to 5f 2a 4d 18: a frame whose content no decoder looks at. */
export function isSkippableMagic(head: Uint8Array): boolean {
  return ((head[0] ?? 0) & 0xf0) === 0x50 && startsWith(head, [0x2a, 0x4d, 0x18], 1);
}

export function isZstdMagic(head: Uint8Array): boolean {
  return startsWith(head, [0x28, 0xb5, 0x2f, 0xfd]);
}

/**
 * What the content is, whatever the media type says of it.
 *
 * @param head - the first `SNIFFED_BYTES` of the layer, or all of a shorter one
 * @param what - the layer, for messages
 * @throws LayerError `LAYER_COMPRESSION` for anything but gzip, zstd, tar and zeros
 * @see layers.md §2, registry.md §7
 */
export function sniffCompression(head: Uint8Array, what: string): LayerCompression {
  if (startsWith(head, [0x1f, 0x8b, 0x08])) return "gzip";
  if (isZstdMagic(head) || isSkippableMagic(head)) return "zstd";
  if (isTar(head)) return "none";
  const foreign = FOREIGN.find(({ magic }) => startsWith(head, magic));
  const start = Buffer.from(head.subarray(0, 8)).toString("hex");
  const got = foreign?.name ?? `bytes that start with ${start}`;
  throw new LayerError("LAYER_COMPRESSION", `${what}: expected gzip, zstd or tar, got ${got}`);
}

/** What a media type says of the compression; undefined where it says nothing. */
export function compressionOf(mediaType: string): LayerCompression | undefined {
  if (/[+.]gzip$/.test(mediaType)) return "gzip";
  if (/[+.]zstd$/.test(mediaType)) return "zstd";
  return mediaType.endsWith("tar") ? "none" : undefined;
}

function isTar(head: Uint8Array): boolean {
  if (!head.some((byte) => byte !== 0)) return true;
  if (startsWith(head, [0x75, 0x73, 0x74, 0x61, 0x72], 257)) return true; // "ustar"
  // The oldest dialect has no magic, but nothing else passes for a header's checksum.
  return head.length === BLOCK_BYTES && judgeBlock(head) === "header";
}

function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}
