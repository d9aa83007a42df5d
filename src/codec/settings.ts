import type { Compression } from "../image/index.ts";

/**
 * One codec of design decision 5, frozen under its id: what compresses a block, and how large the
 * blocks are. A change to any of it is a new number.
 */
export interface CodecSettings {
  readonly compression: Compression;
  /** `gzip/1` or `zstd/1`. */
  readonly id: string;
  /** The compressor's number in a squashfs superblock. */
  readonly squashfsId: number;
  /** Bytes of a full data block, and the most bytes of tails in one fragment block. */
  readonly blockSize: number;
  readonly level: number;
}

const KiB = 1024;

export const CODECS: Readonly<Record<Compression, CodecSettings>> = {
  gzip: {
    compression: "gzip",
    id: "gzip/1",
    squashfsId: 1,
    blockSize: 128 * KiB,
    level: 4,
  },
  zstd: {
    compression: "zstd",
    id: "zstd/1",
    squashfsId: 6,
    blockSize: 256 * KiB,
    level: 3,
  },
};
