/**
 * How squashfs writes down the stored size of a block: bytes in bits 0–23, bit 24 set where the
 * block is stored raw. 0 is a hole.
 *
 * @see squashfs 4.0, data blocks, block list
 */
export const RAW_BLOCK = 0x0100_0000;

/** Bytes that the block of size code `code` takes up. */
export function storedBytes(code: number): number {
  return code & (RAW_BLOCK - 1);
}
