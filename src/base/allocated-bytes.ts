/** What the unit of `blocks` is, whatever the file system's own is. */
const BLOCK_BYTES = 512;

/** Bytes that a file takes up on the disk, and that its removal gives back. */
export function allocatedBytes({ blocks }: { readonly blocks: number }): number {
  return blocks * BLOCK_BYTES;
}
