import type { Complain } from "./lint-image.ts";
import type { RawImage } from "./raw-image.ts";
import type { RawInode } from "./raw-inodes.ts";

const MOST_32 = 0xffff_ffff;

/** Inodes by themselves, owners and attribute sets. */
export function lintInodes(image: RawImage, complain: Complain): void {
  const { inodes, ids, xattrSets } = image;
  inodes.forEach((inode, index) => {
    const say: Complain = (what) => {
      complain(`inode ${inode.number}: ${what}`);
    };
    // The table has the order of the numbers.
    if (inode.number !== index + 1) say(`number ${index + 1} of the table`);
    if (inode.mode > 0o7777) say(`mode 0${inode.mode.toString(8)}`);
    if (inode.type < 1 || inode.type > 14) say(`type ${inode.type}`);
    if (inode.type === 7 || inode.type === 14) say("a socket");
    if (inode.type > 7 !== needsExtended(inode)) say(`type ${inode.type} without need`);
    if (inode.target !== undefined) lintTarget(inode.target, say);
    if (inode.file !== undefined) lintFile(image, inode.file, say);
  });
  if (inodes.at(-1) !== image.root) complain("the root is not the last inode");
  lintUse(
    "owners",
    ids.length,
    inodes.flatMap(({ uidIndex, gidIndex }) => [uidIndex, gidIndex]),
  );
  lintUse(
    "attribute sets",
    xattrSets.length,
    inodes.flatMap(({ xattr }) => xattr ?? []),
  );
  if (new Set(ids).size !== ids.length) complain("an owner that stands twice");
  if (ids.length < 1 || ids.length > 65_535) complain(`${ids.length} owners`);

  /** Each is used, and the first uses are in order. */
  function lintUse(what: string, count: number, uses: readonly number[]): void {
    const order = [...new Set(uses)];
    const isInOrder = order.length === count && order.every((use, index) => use === index);
    if (!isInOrder) complain(`${what}: ${count}, of which ${order.length} are used, in no order`);
  }
}

/** Whether the basic form could not say it. */
function needsExtended({ type, links, xattr, file, directory }: RawInode): boolean {
  if (xattr !== undefined) return true;
  if (directory !== undefined) return directory.size > 0xffff || directory.index.length > 0;
  if (file === undefined) return type > 7 && type !== 9;
  const { size, start, sparse } = file;
  return links > 1 || sparse > 0 || size > MOST_32 || start > MOST_32;
}

function lintTarget(target: Buffer, say: Complain): void {
  if (target.length < 1 || target.length > 4095) say(`a target of ${target.length} bytes`);
  if (target.includes(0)) say("a target with NUL");
}

function lintFile(
  { superblock: { blockSize }, fragments }: RawImage,
  file: NonNullable<RawInode["file"]>,
  say: Complain,
): void {
  const { size, fragment, fragmentOffset, codes, sparse } = file;
  const rest = size % blockSize;
  if (fragment === undefined) {
    if (fragmentOffset !== 0) say("an offset in no fragment");
  } else {
    if (rest === 0) say("a fragment where nothing is left over");
    if (size >= blockSize) say("the tail of a large file in a fragment");
    if (fragment.index >= fragments.length) say(`fragment ${fragment.index}`);
  }
  const holes = codes
    .map((code, index) => (code === 0 ? Math.min(blockSize, size - index * blockSize) : 0))
    .reduce((sum, bytes) => sum + bytes, 0);
  const expected = holes === size && size > 0 ? size - 1 : holes;
  if (sparse !== expected) say(`${sparse} bytes in holes, not ${expected}`);
}
