import { crc32 } from "node:zlib";
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
 * Files of equal checksums and unequal content that are looked through, one after another: the first
 * of them. Only who wants them makes any, and would make a million.
 */
const MOST_ALIKE = 16;

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
    else if (same.length < MOST_ALIKE) same.push({ file, start });
  }

  #keyOf({ layer, firstBlock, count, size }: FileBlocks): string {
    const checksums = this.#layers[layer]?.checksums.subarray(firstBlock, firstBlock + count);
    if (checksums === undefined) throw new Error(`no layer ${layer}`);
    const { buffer, byteOffset, byteLength } = checksums;
    return `${size} ${count} ${crc32(new Uint8Array(buffer, byteOffset, byteLength))}`;
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
