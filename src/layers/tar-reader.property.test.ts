import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LimitError } from "../base/index.ts";
import {
  paxRecords,
  readTar,
  tar,
  tarNumber,
  type ReadTar,
} from "../../test/fixtures/tar/index.ts";
import { LayerError } from "./layer-error.ts";

/** One of everything that the reader has a state for. */
const ARCHIVE = tar([
  { path: "./", mode: 0o711 },
  { path: "d/", pax: { mtime: "1.5", "SCHILY.xattr.user.a": "x\0y" } },
  { path: "d/f", data: "x".repeat(700), uid: 2 ** 31, mtime: -1 },
  { path: "d/empty" },
  { path: "d/s", linkname: `../${"t".repeat(120)}` },
  { path: "d/h", type: "1", linkname: "./d/f" },
  { path: "L", type: "L", magic: "gnu", data: `long/${"n".repeat(130)}\0` },
  { path: "cut", magic: "gnu", data: "y".repeat(512) },
  { path: "g", type: "g", data: paxRecords({ comment: "c", uid: "1" }) },
  { path: "V", type: "V", data: "label" },
  { path: "c", type: "3", devMajor: 1, devMinor: 3 },
  {
    path: "S",
    type: "S",
    magic: "gnu",
    size: 30,
    data: Buffer.concat([sparseBlock(), Buffer.alloc(30, "s")]),
    edit(header) {
      header.set(Buffer.concat([tarNumber(5, 12), tarNumber(10, 12)]), 386);
      header[482] = 1;
      header.set(tarNumber(100, 12), 483);
    },
  },
  {
    path: "lines",
    data: Buffer.concat([Buffer.from("1\n7\n9\n".padEnd(512, "\0")), Buffer.alloc(9, "l")]),
    pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "50" },
  },
]);

function sparseBlock(): Uint8Array {
  const block = Buffer.alloc(512);
  block.set(Buffer.concat([tarNumber(40, 12), tarNumber(20, 12)]));
  return block;
}

function outcome(archive: Uint8Array, chunkBytes?: number): ReadTar | { code: string } {
  try {
    return readTar(archive, chunkBytes === undefined ? {} : { chunkBytes });
  } catch (error) {
    if (error instanceof LayerError || error instanceof LimitError) return { code: error.code };
    throw error;
  }
}

test("TarReader tells the same of an archive however it is cut into chunks", () => {
  const whole = readTar(ARCHIVE);
  assert.equal(whole.entries.length, 10);
  assert.equal(whole.warnings.length, 2);
  for (const chunkBytes of [1, 2, 7, 100, 511, 512, 513, 1000, 1024, 5000]) {
    assert.deepEqual(readTar(ARCHIVE, { chunkBytes }), whole, `chunks of ${chunkBytes}`);
  }
});

/** Archives with a few bytes changed, a piece cut out, or the end cut off. */
const spoiled = fc
  .record({
    changes: fc.array(fc.record({ at: fc.nat(ARCHIVE.length - 1), byte: fc.nat(255) }), {
      maxLength: 3,
    }),
    mendsChecksums: fc.boolean(),
    cut: fc.record({ from: fc.nat(ARCHIVE.length), bytes: fc.constantFrom(0, 0, 1, 512, 3000) }),
    end: fc.constantFrom(ARCHIVE.length, ARCHIVE.length - 1024, ARCHIVE.length - 1500, 5000),
  })
  .map(({ changes, mendsChecksums, cut, end }) => {
    const bytes = Buffer.from(ARCHIVE);
    for (const { at, byte } of changes) {
      bytes[at] = byte;
      if (mendsChecksums) mendChecksum(bytes.subarray(at - (at % 512), at - (at % 512) + 512));
    }
    const head = bytes.subarray(0, Math.min(cut.from, end));
    return Buffer.concat([head, bytes.subarray(cut.from + cut.bytes, end)]);
  });

function mendChecksum(header: Uint8Array): void {
  if (header[154] !== 0 || header[155] !== 0x20) return;
  header.fill(0x20, 148, 156);
  const sum = header.reduce((so, byte) => so + byte, 0);
  header.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

test("TarReader reads a spoiled archive, or refuses it by its own errors, alike in all chunks", () => {
  fc.assert(
    fc.property(spoiled, fc.integer({ min: 1, max: 2000 }), (archive, chunkBytes) => {
      const whole = outcome(archive);
      const cut = outcome(archive, chunkBytes);
      // Messages hold positions alike, and a refusal leaves the same code.
      assert.deepEqual(cut, whole);
    }),
    { numRuns: 600, seed: 2 },
  );
});

test("TarReader answers arbitrary bytes with entries or its own errors", () => {
  const field = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ maxLength: 40 }));
  const records = fc.array(
    fc.tuple(
      fc.constantFrom(
        "path",
        "linkpath",
        "size",
        "uid",
        "mtime",
        "GNU.sparse.map",
        "GNU.sparse.size",
        "GNU.sparse.major",
        "GNU.sparse.offset",
        "GNU.sparse.numbytes",
        "SCHILY.xattr.user.a",
        "LIBARCHIVE.xattr.user.%61",
      ),
      fc.oneof(field, fc.integer({ min: -2, max: 3000 }).map(String)),
    ),
    { maxLength: 5 },
  );
  const items = fc.array(
    fc.record({
      path: field,
      type: fc.constantFrom("\0", "0", "1", "2", "3", "5", "7", "x", "g", "L", "K", "S", "V", "Z"),
      data: field,
      size: fc.oneof(fc.constant(0), fc.nat(1100), fc.bigInt({ min: -5n, max: 2n ** 80n })),
      linkname: field,
      pax: records,
      magic: fc.constantFrom("ustar", "gnu", "v7"),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(items, fc.uint8Array({ maxLength: 700 }), (list, tail) => {
      outcome(Buffer.concat([tar(list), tail]));
      outcome(tail);
    }),
    { numRuns: 600, seed: 3 },
  );
});
