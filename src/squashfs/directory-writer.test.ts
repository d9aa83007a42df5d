import assert from "node:assert/strict";
import { test } from "node:test";
import { writeListing, type DirectoryEntry } from "./directory-writer.ts";
import { MetadataStream } from "./metadata-stream.ts";

/** Every block of the table is one byte, for these are many. */
function smallStream(): MetadataStream {
  return new MetadataStream(() => Uint8Array.of(0));
}

const entry: DirectoryEntry = {
  name: Buffer.alloc(255, "n"),
  type: 2,
  inodeNumber: 1,
  inodeBlock: 0,
  inodeOffset: 0,
};
/** So many of them fill 8 KiB with their header, and one more does not fit. */
const IN_SLICE = 31;

test("writeListing names a header for each further 8 KiB", () => {
  for (const [entries, indexed] of [
    [IN_SLICE, 0],
    [IN_SLICE + 1, 1],
    [3 * IN_SLICE, 2],
  ] as const) {
    const { index } = writeListing(
      smallStream(),
      Array.from({ length: entries }, () => entry),
    );
    assert.equal(index.length, indexed, `${entries} entries`);
  }
});

test("writeListing begins no slice with a header whose first entry ends the one before", () => {
  const run = Array.from({ length: 256 }, () => ({ ...entry, name: Buffer.alloc(23, "n") }));
  const full = 8192 - (12 + 256 * (8 + 23)) - (12 + 8);
  for (const [nameBytes, indexed] of [
    [full, 0],
    [full + 1, 1],
  ] as const) {
    const last = { ...entry, name: Buffer.alloc(nameBytes, "z") };
    const { index, bytes } = writeListing(smallStream(), [...run, last]);
    assert.equal(bytes, 8192 + indexed);
    assert.equal(index.length, indexed);
  }
});

test("writeListing names no more headers than an inode can count", () => {
  const slices = 65_535 + 3;
  const entries = new Array<DirectoryEntry>(slices * IN_SLICE).fill(entry);
  const { index, bytes } = writeListing(smallStream(), entries);
  assert.equal(bytes, slices * (12 + IN_SLICE * (8 + 255)));
  assert.equal(index.length, 65_535);
  assert.equal(index.at(-1)?.position, 65_535 * (12 + IN_SLICE * (8 + 255)));
});
