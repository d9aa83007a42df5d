import type { Complain } from "./lint-image.ts";
import type { RawImage } from "./raw-image.ts";
import { isZstdOfOneSegment } from "./zstd-segment.ts";

const PADDING = 4096;
const METADATA = 8192;
const FLAGS = { noFragments: 0x0010, shares: 0x0040, noXattrs: 0x0200 } as const;
const ZSTD = 6;

/** Superblock, padding, and how the tables lie. */
export function lintTables(image: RawImage, complain: Complain): void {
  lintSuperblock(image, complain);
  lintEnds(image, complain);
  for (const [name, { blocks }] of image.tables) {
    for (const [index, { content, stored, isRaw }] of blocks.entries()) {
      const isLast = index === blocks.length - 1;
      if (content.length === 0 || (content.length < METADATA && !isLast)) {
        complain(`${name}: block ${index} holds ${content.length} bytes`);
      }
      if (!isRaw && stored.length >= content.length) {
        complain(`${name}: block ${index} is compressed to more than it is`);
      }
      const isZstd = image.superblock.compressor === ZSTD;
      if (isZstd && !isRaw && !isZstdOfOneSegment(stored, content.length)) {
        complain(`${name}: block ${index} is not one zstd frame of one segment`);
      }
    }
  }
}

function lintSuperblock({ superblock, inodes, xattrSets }: RawImage, complain: Complain): void {
  const { fragmentTable, fragmentCount, xattrTable } = superblock;
  const flags =
    FLAGS.shares |
    (fragmentTable === undefined ? FLAGS.noFragments : 0) |
    (xattrTable === undefined ? FLAGS.noXattrs : 0);
  const expected: readonly (readonly [what: string, is: unknown, expected: unknown])[] = [
    ["magic", superblock.magic, 0x7371_7368],
    ["version", superblock.version, "4.0"],
    ["time", superblock.time, 0],
    ["block size", superblock.blockSize, 2 ** superblock.blockLog],
    ["flags", superblock.flags, flags],
    ["inode count", superblock.inodeCount, inodes.length],
    ["export table", superblock.exportTable, undefined],
    ["a fragment table", fragmentTable !== undefined, fragmentCount > 0],
    ["an attribute table", xattrTable !== undefined, xattrSets.length > 0],
  ];
  for (const [what, is, should] of expected) {
    if (is !== should) complain(`superblock: ${what}: ${String(is)}, not ${String(should)}`);
  }
  const { blockLog } = superblock;
  if (blockLog < 12 || blockLog > 20) complain(`superblock: blocks of 2^${blockLog} bytes`);
}

function lintEnds({ bytes, superblock, areas }: RawImage, complain: Complain): void {
  areas.forEach(({ what, start, end }, index) => {
    if (start > end) complain(`${what}: they end before they begin`);
    const next = areas[index + 1];
    if (next !== undefined && next.start !== end) {
      complain(`${what}: ${next.start - end} bytes between them and ${next.what}`);
    }
  });
  const { bytesUsed } = superblock;
  if (bytes.length !== Math.ceil(bytesUsed / PADDING) * PADDING) {
    complain(`${bytes.length} bytes with padding, of which ${bytesUsed} are used`);
  }
  if (bytes.subarray(bytesUsed).some((byte) => byte !== 0)) complain("padding that is not zeros");
}
