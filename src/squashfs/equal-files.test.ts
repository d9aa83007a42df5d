import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockSource } from "./data-plan.ts";
import { EqualFiles, type FileBlocks } from "./equal-files.ts";

const BLOCKS = 3;
const BLOCK_BYTES = 4;

/** Files of three blocks each: the checksum of every block, and what it holds. */
class Files implements BlockSource {
  readonly sizes: Uint32Array;
  readonly checksums: Uint32Array;
  readonly fragments = new Uint32Array(0);
  readonly #contents: readonly number[];
  reads = 0;

  constructor(files: readonly { readonly checksums: number[]; readonly contents: number[] }[]) {
    this.checksums = Uint32Array.from(files.flatMap((file) => file.checksums));
    this.#contents = files.flatMap((file) => file.contents);
    this.sizes = new Uint32Array(this.checksums.length).fill(BLOCK_BYTES);
  }

  readBlocks(first: number, _count: number, into: Uint8Array): { blocks: number; bytes: number } {
    this.reads += 1;
    new DataView(into.buffer, into.byteOffset).setUint32(0, this.#contents[first] ?? 0);
    return { blocks: 1, bytes: BLOCK_BYTES };
  }

  file(index: number, runs?: Uint32Array): FileBlocks {
    return { layer: 0, firstBlock: index * BLOCKS, count: BLOCKS, size: 10, runs };
  }
}

/** Looks for every file and adds those that are like no other, each at its number. */
function placesOf(files: Files, count: number): number[] {
  const equal = new EqualFiles([files]);
  return Array.from({ length: count }, (_, index) => {
    const found = equal.find(files.file(index));
    if (found === undefined) equal.add(files.file(index), index);
    return found ?? index;
  });
}

test("equal files share the place of the first", () => {
  const files = new Files(
    [7, 8, 7, 7, 9, 8].map((content) => ({
      checksums: [1, content, 3],
      contents: [1, content, 3],
    })),
  );
  assert.deepEqual(placesOf(files, 6), [0, 1, 0, 0, 4, 1]);
});

test("files with other holes are not equal", () => {
  const files = new Files([1, 2].map(() => ({ checksums: [1, 2, 3], contents: [1, 2, 3] })));
  const equal = new EqualFiles([files]);
  equal.add(files.file(0, Uint32Array.of(1, 5, 2)), 0);
  assert.equal(equal.find(files.file(1)), undefined);
  assert.equal(equal.find(files.file(1, Uint32Array.of(1, 4, 2))), undefined);
  assert.equal(equal.find(files.file(1, Uint32Array.of(1, 5, 2))), 0);
});

test("files that differ in their middle alone are told apart without reading them", () => {
  const files = new Files(
    Array.from({ length: 1000 }, (_, index) => ({
      checksums: [1, index, 3],
      contents: [1, index, 3],
    })),
  );
  const places = Array.from({ length: 1000 }, (_, index) => index);
  assert.deepEqual(placesOf(files, 1000), places);
  assert.equal(files.reads, 0);
});

test("of many unequal files with equal checksums few are read", () => {
  const contents = Array.from({ length: 200 }, (_, index) => [1, 2, index]);
  const files = new Files(contents.map((content) => ({ checksums: [1, 2, 3], contents: content })));
  assert.deepEqual(
    placesOf(files, 200),
    contents.map((_, index) => index),
  );
  assert.ok(files.reads <= 200 * 16 * 2 * BLOCKS, `${files.reads} reads`);
});
