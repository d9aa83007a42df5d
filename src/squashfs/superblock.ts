/** Bytes of the superblock, at the very start of an image. */
export const SUPERBLOCK_BYTES = 96;

/** A position that says that a table is not there. */
const NO_TABLE = 0xffff_ffff_ffff_ffffn;

export const SUPERBLOCK_FLAGS = {
  noFragments: 0x0010,
  sharesEqualFiles: 0x0040,
  noXattrs: 0x0200,
} as const;

export interface Superblock {
  readonly inodeCount: number;
  readonly blockSize: number;
  readonly fragmentCount: number;
  readonly compressor: number;
  readonly flags: number;
  readonly idCount: number;
  readonly rootReference: bigint;
  /** Bytes from the first to the end of the last table. */
  readonly bytesUsed: number;
  readonly idTable: number;
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number | undefined;
}

/** @see squashfs 4.0, superblock; the time is always 0 and there is no export table */
export function formatSuperblock(block: Superblock): Uint8Array {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  bytes.write("hsqs", 0, "latin1");
  bytes.writeUInt32LE(block.inodeCount, 4);
  bytes.writeUInt32LE(block.blockSize, 12);
  bytes.writeUInt32LE(block.fragmentCount, 16);
  bytes.writeUInt16LE(block.compressor, 20);
  bytes.writeUInt16LE(Math.log2(block.blockSize), 22);
  bytes.writeUInt16LE(block.flags, 24);
  bytes.writeUInt16LE(block.idCount, 26);
  bytes.writeUInt16LE(4, 28);
  bytes.writeBigUInt64LE(block.rootReference, 32);
  const positions = [
    block.bytesUsed,
    block.idTable,
    block.xattrTable,
    block.inodeTable,
    block.directoryTable,
    block.fragmentTable,
    undefined,
  ];
  positions.forEach((position, index) => {
    bytes.writeBigUInt64LE(position === undefined ? NO_TABLE : BigInt(position), 40 + index * 8);
  });
  return bytes;
}
