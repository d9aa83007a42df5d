import { storedBytes } from "../codec/index.ts";
import type { BlockSource } from "./data-plan.ts";

/** The stored blocks of one file. */
export interface FileBlocks {
  readonly layer: number;
  readonly firstBlock: number;
  /** Blocks that are stored; holes are not counted. */
  readonly count: number;
  /** Bytes of the file. */
  readonly size: number;
  readonly runs: Uint32Array | undefined;
}

interface Placed {
  readonly file: FileBlocks;
  readonly start: number;
}

/**
 * Finds files whose blocks were placed already. Nothing is hashed for it: sizes and the checksums
 * that every block has anyway name the candidates, which are then compared byte for byte. Equal
 * content is equal blocks, since one codec made all of them.
 */
export class EqualFiles {
  readonly #layers: readonly BlockSource[];
  readonly #placed = new Map<string, Placed[]>();

  constructor(layers: readonly BlockSource[]) {
    this.#layers = layers;
  }

  /** Where the blocks of an equal file begin; undefined where there is none. */
  find(file: FileBlocks): number | undefined {
    const candidates = this.#placed.get(this.#keyOf(file)) ?? [];
    return candidates.find((placed) => this.#isEqual(placed.file, file))?.start;
  }

  add(file: FileBlocks, start: number): void {
    const key = this.#keyOf(file);
    const same = this.#placed.get(key);
    if (same === undefined) this.#placed.set(key, [{ file, start }]);
    else same.push({ file, start });
  }

  #keyOf({ layer, firstBlock, count, size }: FileBlocks): string {
    const checksums = this.#layers[layer]?.checksums;
    const last = firstBlock + count - 1;
    return `${size} ${count} ${checksums?.[firstBlock] ?? 0} ${checksums?.[last] ?? 0}`;
  }

  #isEqual(a: FileBlocks, b: FileBlocks): boolean {
    const one = this.#layers[a.layer];
    const other = this.#layers[b.layer];
    if (one === undefined || other === undefined) return false;
    if (!hasSameHoles(a.runs, b.runs)) return false;
    for (let index = 0; index < a.count; index += 1) {
      const first = a.firstBlock + index;
      const second = b.firstBlock + index;
      if (one.sizes[first] !== other.sizes[second]) return false;
      if (one.checksums[first] !== other.checksums[second]) return false;
    }
    for (let index = 0; index < a.count; index += 1) {
      const left = readBlock(one, a.firstBlock + index);
      if (!left.equals(readBlock(other, b.firstBlock + index))) return false;
    }
    return true;
  }
}

function hasSameHoles(a: Uint32Array | undefined, b: Uint32Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((run, index) => run === b[index]);
}

function readBlock(layer: BlockSource, block: number): Buffer {
  const bytes = Buffer.alloc(storedBytes(layer.sizes[block] ?? 0));
  layer.readBlocks(block, 1, bytes);
  return bytes;
}
