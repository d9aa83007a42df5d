import { ROOT, type FileTree } from "./file-tree.ts";
import { INODE_KIND, type InodeTable } from "./inode-table.ts";

/**
 * A finished tree in the order in which an image lists it: every directory's names ascending by
 * bytes. Reads through to the tables of the tree that it was made from.
 */
export interface SortedTree {
  readonly root: number;
  readonly inodes: InodeTable;
  /** Names and inodes that are alive, the root included. */
  readonly nameCount: number;
  readonly inodeCount: number;
  /** Names that refer to each inode; for a directory 2 and one for each directory in it. */
  readonly linkCounts: Uint32Array;
  inodeOf(node: number): number;
  /** The bytes of a name; valid until the tree changes. */
  name(node: number): Uint8Array;
  /** The nodes in a directory, ascending by name. */
  children(directory: number): Uint32Array;
}

/** Sorts `tree`; it must not be changed afterwards. */
export function sortTree(tree: FileTree): SortedTree {
  const { names, inodes } = tree;
  const starts = new Uint32Array(names.count + 1);
  const list = new Uint32Array(names.count);
  const linkCounts = new Uint32Array(inodes.count);
  let length = 0;
  let inodeCount = 1;
  linkCounts[tree.inodeOf(ROOT)] = 2;
  for (let node = 0; node < names.count; node += 1) {
    starts[node] = length;
    // A name below a removed directory was removed with it, so being alive needs no look upwards.
    if (!tree.isKind(node, "directory")) continue;
    const first = length;
    for (const child of tree.children(node)) list[length++] = child;
    const children = list.subarray(first, length).sort((a, b) => names.compareNames(a, b));
    const self = tree.inodeOf(node);
    for (const child of children) {
      const inode = tree.inodeOf(child);
      if (inodes.kind[inode] !== INODE_KIND.directory) continue;
      linkCounts[inode] = 2;
      linkCounts[self] = (linkCounts[self] ?? 0) + 1;
      inodeCount += 1;
    }
  }
  starts[names.count] = length;
  return {
    root: ROOT,
    inodes,
    nameCount: length + 1,
    inodeCount: inodeCount + countLinks(tree, list.subarray(0, length), linkCounts),
    linkCounts,
    inodeOf: (node) => tree.inodeOf(node),
    name: (node) => names.name(node),
    children: (directory) => list.subarray(starts[directory], starts[directory + 1]),
  };
}

/** Counts the names of everything but directories; answers how many inodes that are. */
function countLinks(tree: FileTree, list: Uint32Array, linkCounts: Uint32Array): number {
  let count = 0;
  for (const node of list) {
    const inode = tree.inodeOf(node);
    if (tree.inodes.kind[inode] === INODE_KIND.directory) continue;
    const links = linkCounts[inode] ?? 0;
    if (links === 0) count += 1;
    linkCounts[inode] = links + 1;
  }
  return count;
}
