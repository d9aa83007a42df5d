import { Uint32List } from "../base/index.ts";
import { storedBytes } from "../codec/index.ts";
import { INODE_KIND, NONE, type SortedTree } from "../tree/index.ts";
import { EqualFiles } from "./equal-files.ts";
import { depthFirstFiles } from "./tree-order.ts";

/** Compressed blocks of one layer, as they were converted. */
export interface BlockSource {
  /** Size code of every block. */
  readonly sizes: Uint32Array;
  /** CRC-32 of every block's stored bytes. */
  readonly checksums: Uint32Array;
  /** Per fragment block: its block number and the bytes of tails in it. */
  readonly fragments: Uint32Array;
  /**
   * Reads up to `count` stored blocks from `first` on, one after another, into `into`.
   *
   * @returns how many were read, at least one, and their bytes
   */
  readBlocks(first: number, count: number, into: Uint8Array): { blocks: number; bytes: number };
}

/** Where the contents of every file go, and what is copied there in which order. */
export interface DataPlan {
  /** Absolute position of the first stored block of a file, by inode. */
  readonly starts: Float64Array;
  /** Fragment of a file, by inode, or NONE. */
  readonly fragments: Uint32Array;
  /** Absolute position and size code of each fragment block. */
  readonly fragmentTable: readonly { readonly start: number; readonly size: number }[];
  /** Triples of layer index, first block and number of blocks: copied one after another. */
  readonly copies: Uint32Array;
  /** Absolute position behind the last block. */
  readonly end: number;
}

/**
 * Places the files' blocks in depth-first path order from `start` on. A fragment block stands where
 * its first file stands; one that no file of the tree uses is left out. Files with equal blocks share
 * those of the first.
 */
export function planData(
  tree: SortedTree,
  layers: readonly BlockSource[],
  blockSize: number,
  start: number,
): DataPlan {
  const starts = new Float64Array(tree.inodes.count);
  const fragments = new Uint32Array(tree.inodes.count).fill(NONE);
  const fragmentTable: { start: number; size: number }[] = [];
  const placed = new Map<number, number>();
  const copies = new CopyList();
  const equal = new EqualFiles(layers);
  let position = start;
  for (const inode of depthFirstFiles(tree)) {
    if (tree.inodes.kind[inode] !== INODE_KIND.file) continue;
    const layerIndex = (tree.inodes.layer[inode] ?? 0) - 1;
    const layer = layers[layerIndex];
    const data = tree.inodes.data(inode);
    if (data.kind === "empty") continue;
    if (layer === undefined) throw new Error(`no layer ${layerIndex}`);
    if (data.kind === "fragment") {
      const key = layerIndex * 2 ** 32 + data.fragment;
      let index = placed.get(key);
      if (index === undefined) {
        const block = layer.fragments[data.fragment * 2] ?? NONE;
        const size = layer.sizes[block] ?? 0;
        index = fragmentTable.push({ start: position, size }) - 1;
        placed.set(key, index);
        copies.add(layerIndex, block, 1);
        position += storedBytes(size);
      }
      fragments[inode] = index;
      continue;
    }
    const size = tree.inodes.size[inode] ?? 0;
    const { firstBlock, runs } = data;
    const count = storedBlocks(size, runs, blockSize);
    const file = { layer: layerIndex, firstBlock, count, size, runs };
    const known = count === 0 ? undefined : equal.find(file);
    starts[inode] = known ?? position;
    if (known !== undefined) continue;
    equal.add(file, position);
    copies.add(layerIndex, firstBlock, count);
    for (let block = firstBlock; block < firstBlock + count; block += 1) {
      position += storedBytes(layer.sizes[block] ?? 0);
    }
  }
  return { starts, fragments, fragmentTable, copies: copies.view(), end: position };
}

/** Number of blocks of a file that are not holes. */
function storedBlocks(size: number, runs: Uint32Array | undefined, blockSize: number): number {
  if (runs === undefined) return Math.ceil(size / blockSize);
  return runs.reduce((sum, run, index) => (index % 2 === 0 ? sum + run : sum), 0);
}

/** Collects ranges of blocks; one that goes on where the last one ended is joined to it. */
class CopyList {
  readonly #list = new Uint32List(3 * 256);
  #layer = 0;
  #first = 0;
  #count = 0;

  add(layer: number, first: number, count: number): void {
    if (count === 0) return;
    if (layer === this.#layer && first === this.#first + this.#count) {
      this.#count += count;
      return;
    }
    this.#flush();
    this.#layer = layer;
    this.#first = first;
    this.#count = count;
  }

  view(): Uint32Array {
    this.#flush();
    return this.#list.view();
  }

  #flush(): void {
    if (this.#count === 0) return;
    this.#list.push(this.#layer);
    this.#list.push(this.#first);
    this.#list.push(this.#count);
    this.#count = 0;
  }
}
