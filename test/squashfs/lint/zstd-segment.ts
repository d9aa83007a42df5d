const MAGIC = 0xfd2f_b528;
const HEADERS = [1, 2, 4, 8];
const LARGEST_BLOCK = 128 * 1024;

/**
 * Whether the bytes are one zstd frame that needs no window but its own content, of `length` bytes,
 * without checksum and dictionary, and end with it: kernels read nothing else.
 *
 * @see RFC 8878 §3.1.1
 */
export function isZstdOfOneSegment(stored: Buffer, length: number): boolean {
  if (stored.length < 6 || stored.readUInt32LE(0) !== MAGIC) return false;
  const descriptor = stored.readUInt8(4);
  const isAlone = (descriptor & 0x20) !== 0 && (descriptor & 0x07) === 0;
  const field = HEADERS[descriptor >> 6] ?? 1;
  if (!isAlone || stored.length < 5 + field) return false;
  const content =
    field === 8
      ? Number(stored.readBigUInt64LE(5))
      : stored.readUIntLE(5, field) + (field === 2 ? 256 : 0);
  return content === length && endOfBlocks(stored, 5 + field) === stored.length;
}

/** The position behind the last block; undefined where there is none. */
function endOfBlocks(stored: Buffer, from: number): number | undefined {
  for (let at = from; at + 3 <= stored.length;) {
    const header = stored.readUIntLE(at, 3);
    const size = header >> 3;
    const type = (header >> 1) & 3;
    if (type === 3 || size > LARGEST_BLOCK) return undefined;
    at += 3 + (type === 1 ? 1 : size);
    if ((header & 1) === 1) return at;
  }
  return undefined;
}
