import type { Complain } from "./lint-image.ts";
import type { RawImage } from "./raw-image.ts";
import { decompress } from "./raw-tables.ts";
import { isZstdOfOneSegment } from "./zstd-segment.ts";

const SUPERBLOCK = 96;
const RAW_BLOCK = 0x0100_0000;
const ZSTD = 6;
const LAUNCH_WINDOW = 2048;
const LAUNCH_TEXT = " run-singularity";

interface Stretch {
  readonly what: string;
  readonly start: number;
  readonly end: number;
}

/** Data and fragment blocks: each is read whole, and together they fill what lies before the tables. */
export function lintData(image: RawImage, complain: Complain): void {
  const { bytes, superblock } = image;
  const stretches: Stretch[] = [];
  const tails = new Map<number, number>();
  for (const { number, file } of image.inodes) {
    if (file === undefined) continue;
    let position = file.start;
    for (const [index, code] of file.codes.entries()) {
      const length = Math.min(superblock.blockSize, file.size - index * superblock.blockSize);
      const what = `inode ${number}, block ${index}`;
      if (code !== 0) lintBlock(image, { what, position, code }, length, complain);
      position += code % RAW_BLOCK;
    }
    if (position > file.start)
      stretches.push({ what: `inode ${number}`, start: file.start, end: position });
    if (file.fragment !== undefined) {
      const { index, offset } = file.fragment;
      tails.set(index, Math.max(tails.get(index) ?? 0, offset + file.size));
    }
  }
  image.fragments.forEach(({ start, code }, index) => {
    const what = `fragment ${index}`;
    const used = tails.get(index);
    if (used === undefined) complain(`${what}: nobody uses it`);
    const length = lintBlock(image, { what, position: start, code }, undefined, complain);
    if ((used ?? 0) > length) complain(`${what}: a tail that ends at ${used} of ${length} bytes`);
    stretches.push({ what, start, end: start + (code % RAW_BLOCK) });
  });
  lintPlaces(image, stretches, complain);
  const window = bytes.subarray(0, LAUNCH_WINDOW).toString("latin1");
  if (window.includes(LAUNCH_TEXT)) complain("the text of a launch script where runtimes look");
}

/** @param length - bytes that it must hold; undefined: up to a block of them, not all zero */
function lintBlock(
  { bytes, superblock }: RawImage,
  block: { readonly what: string; readonly position: number; readonly code: number },
  length: number | undefined,
  complain: Complain,
): number {
  const { what, position, code } = block;
  const { compressor, blockSize } = superblock;
  const isRaw = (code & RAW_BLOCK) !== 0;
  const size = code % RAW_BLOCK;
  if (code >= 2 * RAW_BLOCK || size === 0) complain(`${what}: size 0x${code.toString(16)}`);
  const stored = bytes.subarray(position, position + size);
  const content = isRaw ? stored : decompress(stored, compressor, blockSize);
  if (content.length > blockSize) complain(`${what}: ${content.length} bytes`);
  if (length !== undefined && content.length !== length) {
    complain(`${what}: ${content.length} bytes, not ${length}`);
  }
  if (!isRaw && size >= content.length) complain(`${what}: compressed to more than it is`);
  if (!isRaw && compressor === ZSTD && !isZstdOfOneSegment(stored, content.length)) {
    complain(`${what}: not one zstd frame of one segment`);
  }
  if (!content.some((byte) => byte !== 0)) complain(`${what}: nothing but zeros`);
  return content.length;
}

/** One behind another, from the superblock to the inode table; files that are equal share a stretch. */
function lintPlaces(
  { superblock, bytes }: RawImage,
  stretches: Stretch[],
  complain: Complain,
): void {
  const distinct = new Map(stretches.map((it) => [`${it.start}-${it.end}`, it]));
  const inOrder = [...distinct.values()].sort((a, b) => a.start - b.start);
  let end = inOrder[0]?.start ?? superblock.inodeTable;
  if (end !== SUPERBLOCK && end !== 4096) complain(`data begins at ${end}`);
  if (bytes.subarray(SUPERBLOCK, end).some((byte) => byte !== 0))
    complain("a gap with something in it");
  for (const { what, start, end: behind } of inOrder) {
    if (start !== end) complain(`${what}: it begins at ${start}, where ${end} is free`);
    end = behind;
  }
  if (end !== superblock.inodeTable) complain(`data ends at ${end} and not at the inode table`);
}
