import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "../base/index.ts";
import {
  contentOf,
  gnuSparseItem,
  readTar,
  tar,
  type PaxItems,
  type TarItem,
} from "../../test/fixtures/tar/index.ts";

/** The file of rows X01 to X04: 10,000 bytes, of which 3,000 and 1,500 are stored. */
const SIZE = 10_000;
const SEGMENTS = [0, 3000, 6000, 1500] as const;
const STORED = Buffer.concat([Buffer.alloc(3000, "a"), Buffer.alloc(1500, "b")]);
const CONTENT = Buffer.concat([
  Buffer.alloc(3000, "a"),
  Buffer.alloc(3000),
  Buffer.alloc(1500, "b"),
  Buffer.alloc(2500),
]);

/** An entry of GNU's own form. */
function gnuSparse(
  path: string,
  file: {
    readonly segments: readonly number[];
    readonly realSize: number | bigint;
    readonly data: Uint8Array;
  },
): TarItem {
  const { segments: numbers, realSize: size, data } = file;
  return gnuSparseItem(path, { numbers, size, data });
}

/** A PAX 1.0 entry; `lines` is the map before the data. */
function pax10(lines: string, data: Uint8Array, realSize = `${SIZE}`): TarItem {
  const map = Buffer.alloc(Math.ceil(lines.length / 512) * 512);
  map.write(lines);
  return {
    path: "GNUSparseFile.1/f",
    data: Buffer.concat([map, data]),
    pax: {
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "dir/f",
      "GNU.sparse.realsize": realSize,
    },
  };
}

function pax00(pairs: readonly (readonly [string, string])[], data: Uint8Array): TarItem {
  const pax: PaxItems = pairs.map(([key, value]) => [`GNU.sparse.${key}`, value] as const);
  return { path: "dir/f", data, pax };
}

function pax01(map: string, data: Uint8Array, more: Record<string, string> = {}): TarItem {
  return {
    path: "GNUSparseFile.1/f",
    data,
    pax: {
      "GNU.sparse.size": `${SIZE}`,
      "GNU.sparse.numblocks": "2",
      "GNU.sparse.name": "dir/f",
      "GNU.sparse.map": map,
      ...more,
    },
  };
}

const MAP = SEGMENTS.join(",");
const LINES = `2\n${SEGMENTS.join("\n")}\n`;
const PAIRS = [
  ["size", `${SIZE}`],
  ["numblocks", "2"],
  ["offset", "0"],
  ["numbytes", "3000"],
  ["offset", "6000"],
  ["numbytes", "1500"],
] as const;

const readings = [
  {
    name: "X01: old GNU",
    item: gnuSparse("dir/f", { segments: SEGMENTS, realSize: SIZE, data: STORED }),
  },
  { name: "X02: pax 0.0", item: pax00(PAIRS, STORED) },
  { name: "X03: pax 0.1", item: pax01(MAP, STORED) },
  {
    name: "X03: pax 0.1 that says so",
    item: pax01(MAP, STORED, { "GNU.sparse.major": "0", "GNU.sparse.minor": "1" }),
  },
  { name: "X04: pax 1.0", item: pax10(LINES, STORED) },
  {
    name: "pax 1.0 with a segment of nothing at the end",
    item: pax10(`3\n${LINES.slice(2)}10000\n0\n`, STORED),
  },
  {
    name: "pax 0.1 whose size stands in a record",
    item: { ...pax01(MAP, STORED, { size: "4500" }), size: 0 },
  },
];

for (const { name, item } of readings) {
  test(`TarReader expands a sparse file, ${name}`, () => {
    const { entries } = readTar(tar([item, { path: "next", data: "in step" }]));
    const [file, next] = entries;
    assert.ok(file !== undefined && next !== undefined);
    assert.equal(Buffer.from(file.path).toString(), "dir/f");
    assert.equal(file.size, SIZE);
    assert.deepEqual(
      file.runs.map((run) => ("hole" in run ? -run.hole : run.length)),
      [3000, -3000, 1500, -2500],
    );
    assert.ok(CONTENT.equals(contentOf(file)));
    assert.equal(Buffer.from(contentOf(next)).toString(), "in step");
  });
}

test("TarReader reads a map of many segments, over several blocks, in both forms that have them", () => {
  const count = 60;
  const segments = Array.from({ length: count }, (_, i) => [i * 20 + 10, 10]).flat();
  const data = Buffer.from(Array.from({ length: count * 10 }, (_, i) => i & 255));
  const realSize = count * 20;
  const lines = `${count}\n${segments.join("\n")}\n`;
  const { entries } = readTar(
    tar([gnuSparse("a", { segments, realSize, data }), pax10(lines, data, `${realSize}`)]),
  );
  for (const file of entries) {
    const content = contentOf(file);
    assert.equal(content.length, realSize);
    assert.equal(content[9], 0);
    assert.equal(content[10], 0);
    assert.equal(content[11], 1);
    assert.equal(content[1199], (count * 10 - 1) & 255);
  }
  assert.equal(entries.length, 2);
});

test("TarReader tells the hole of a 1 TiB file with one byte as a number", () => {
  const realSize = 2 ** 40;
  const item = gnuSparse("f", { segments: [realSize - 1, 1], realSize, data: Buffer.from("x") });
  const [file] = readTar(tar([item])).entries;
  assert.deepEqual(file?.runs, [{ hole: realSize - 1 }, new Uint8Array([0x78])]);
});

test("TarReader reads files that are one hole, or nothing", () => {
  const none = new Uint8Array(0);
  const { entries } = readTar(
    tar([
      gnuSparse("a", { segments: [], realSize: 7, data: none }),
      pax10("0\n", none, "7"),
      pax01("", none, { "GNU.sparse.numblocks": "0" }),
      gnuSparse("b", { segments: [0, 0], realSize: 0, data: none }),
    ]),
  );
  const runs = entries.map((entry) => entry.runs);
  assert.deepEqual(runs, [[{ hole: 7 }], [{ hole: 7 }], [{ hole: SIZE }], []]);
});

const MANY = { "GNU.sparse.numblocks": `${2 ** 52}` };

interface Refusal {
  readonly name: string;
  readonly item: TarItem;
  readonly code?: string;
  readonly limits?: Partial<Limits>;
}

const refusals: readonly Refusal[] = [
  {
    name: "X05: old GNU, beyond the real size",
    item: gnuSparse("f", { segments: [0, 3000, 9000, 1500], realSize: SIZE, data: STORED }),
  },
  { name: "X05: pax 0.1, beyond the real size", item: pax01("0,3000,9000,1500", STORED) },
  { name: "X05: pax 1.0, beyond the real size", item: pax10(LINES, STORED, "7000") },
  { name: "segments that overlap", item: pax01("0,3000,2000,1500", STORED) },
  { name: "segments that descend", item: pax01("6000,3000,0,1500", STORED) },
  { name: "less stored than mapped", item: pax01("0,3000,6000,1600", STORED) },
  { name: "more stored than mapped", item: pax01("0,3000,6000,1400", STORED) },
  { name: "a map of an odd number", item: pax01("0,3000,6000", STORED) },
  { name: "a map that is no list of numbers", item: pax01("0,3000,6000,-1500", STORED) },
  { name: "a map with an empty number", item: pax01("0,3000,,1500", STORED) },
  { name: "a count that is not the map's", item: pax01(`${MAP},9000,0`, STORED) },
  { name: "an offset without a length", item: pax00(PAIRS.slice(0, 5), STORED) },
  { name: "two offsets in a row", item: pax00([["offset", "0"], ...PAIRS], STORED) },
  { name: "a length without an offset", item: pax00(PAIRS.slice(3), STORED) },
  { name: "no size", item: pax00(PAIRS.slice(1), STORED) },
  { name: "no map", item: pax00(PAIRS.slice(0, 1), STORED) },
  { name: "an unknown version", item: pax01(MAP, STORED, { "GNU.sparse.major": "2" }) },
  { name: "pax 1.0 with a count of letters", item: pax10("two\n", STORED) },
  { name: "pax 1.0 with an empty line", item: pax10("2\n\n", STORED) },
  { name: "pax 1.0 with a number of 17 digits", item: pax10(`${"1".repeat(17)}\n`, STORED) },
  { name: "pax 1.0 whose map has no end", item: pax10("9\n0\n3000\n", new Uint8Array(0)) },
  {
    name: "pax 1.0 whose map fills the entry without an end",
    item: pax10(`250\n${"1\n".repeat(254)}`, new Uint8Array(0)),
  },
  { name: "pax 1.0 without a map", item: { ...pax10("", new Uint8Array(0)), data: "" } },
  {
    name: "old GNU with a negative size",
    item: gnuSparse("f", { segments: [], realSize: -1, data: new Uint8Array(0) }),
  },
  {
    name: "old GNU with a negative offset",
    item: gnuSparse("f", { segments: [-5, 4500], realSize: SIZE, data: STORED }),
  },
  {
    name: "old GNU with a negative length",
    item: gnuSparse("f", { segments: [0, 4500, 4500, -5], realSize: SIZE, data: STORED }),
  },
  {
    name: "type S without the GNU magic",
    item: {
      ...gnuSparse("f", { segments: SEGMENTS, realSize: SIZE, data: STORED }),
      magic: "ustar",
    },
  },
  {
    name: "a map of a directory",
    item: { path: "d/", pax: { "GNU.sparse.map": "", "GNU.sparse.size": "1" } },
  },
  {
    name: "old GNU over the limit of segments",
    item: gnuSparse("f", { segments: [0, 1, 2, 1, 4, 1], realSize: 9, data: Buffer.alloc(3) }),
    limits: { sparseSegments: 2 },
    code: "LIMIT_SPARSE_SEGMENTS",
  },
  {
    name: "pax 0.1 over the limit of segments",
    item: pax01("0,1,2,1,4,1", Buffer.alloc(3)),
    limits: { sparseSegments: 2 },
    code: "LIMIT_SPARSE_SEGMENTS",
  },
  {
    name: "pax 1.0 that promises 2^52 segments, before they have come",
    item: pax10(`${2 ** 52}\n`, new Uint8Array(0)),
    code: "LIMIT_SPARSE_SEGMENTS",
  },
  { name: "pax 0.1 that promises 2^52 segments", item: pax01(MAP, STORED, MANY) },
  {
    name: "pax 1.0 over the limit of segments, before they have come",
    item: pax10("3\n", new Uint8Array(0)),
    limits: { sparseSegments: 2 },
    code: "LIMIT_SPARSE_SEGMENTS",
  },
];

for (const { name, item, code = "TAR_SPARSE", limits } of refusals) {
  test(`TarReader refuses a sparse file, ${name}`, () => {
    assert.throws(() => readTar(tar([item, { path: "next" }]), { limits: limits ?? {} }), { code });
  });
}
