import { INODE_KIND, type SortedTree } from "../tree/index.ts";

/**
 * The inodes of everything but directories, each once, in depth-first order of their first paths,
 * names ascending by bytes. Walks with a stack of its own: a hostile tree is deeper than ours.
 */
export function* depthFirstFiles(tree: SortedTree): Iterable<number> {
  const seen = new Uint8Array(tree.inodes.count);
  const stack = [{ children: tree.children(tree.root), next: 0 }];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const node = frame.children[frame.next++];
    if (node === undefined) {
      stack.pop();
      continue;
    }
    const inode = tree.inodeOf(node);
    if (tree.inodes.kind[inode] === INODE_KIND.directory) {
      stack.push({ children: tree.children(node), next: 0 });
    } else if (seen[inode] === 0) {
      seen[inode] = 1;
      yield inode;
    }
  }
}

/** All directories, every one behind the directories in it, the root last. */
export function directoriesPostOrder(tree: SortedTree): Uint32Array {
  const order: number[] = [];
  const stack = [{ node: tree.root, children: tree.children(tree.root), next: 0 }];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const node = frame.children[frame.next++];
    if (node === undefined) {
      order.push(frame.node);
      stack.pop();
    } else if (tree.inodes.kind[tree.inodeOf(node)] === INODE_KIND.directory) {
      stack.push({ node, children: tree.children(node), next: 0 });
    }
  }
  return Uint32Array.from(order);
}

/**
 * Numbers every inode, from 1 on: directory by directory in post-order, in each the inodes in it
 * that have no number yet, by name; the root last. The inode table has the same order, so that the
 * inodes of one directory lie together.
 */
export function numberInodes(tree: SortedTree, directories: Uint32Array): Uint32Array {
  const numbers = new Uint32Array(tree.inodes.count);
  let next = 1;
  for (const directory of directories) {
    for (const node of tree.children(directory)) {
      const inode = tree.inodeOf(node);
      if (numbers[inode] === 0) numbers[inode] = next++;
    }
  }
  numbers[tree.inodeOf(tree.root)] = next;
  return numbers;
}
