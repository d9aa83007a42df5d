import fc from "fast-check";
import {
  paxRecords,
  SPARSE_FORMATS,
  sparseItem,
  type Bytes,
  type TarItem,
} from "../fixtures/tar/index.ts";
import { mostly } from "./weights.ts";

const name = mostly(
  fc.constantFrom("a", "b", "dir", "n".repeat(60), ".wh.a", ".wh..wh..opq", "\xff\xfe", "a\\b\nc"),
  fc.constantFrom(".", "..", "", "L".repeat(255), "L".repeat(256)),
);
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names): Bytes => Buffer.from(names.join("/"), "latin1"));
const target = mostly(
  fc.oneof(path, fc.constantFrom("t".repeat(99), "t".repeat(101), "t".repeat(255))),
  fc.constantFrom("t/".repeat(2047), "t/".repeat(2048), ""),
);
const id = mostly(
  fc.oneof(fc.constantFrom(0, 2 ** 21 - 1, 2 ** 21, 2 ** 32 - 2), fc.nat(2 ** 31 - 1)),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, -1),
);
const time = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 32, 2 ** 33),
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
);
const attributes = fc.record(
  {
    mode: fc.constantFrom(0o755, 0o4711, 0o100644, 0),
    uid: id,
    gid: id,
    mtime: time,
    magic: fc.constantFrom("ustar", "gnu", "v7"),
  },
  { requiredKeys: [] },
);
const contents = fc
  .oneof(fc.constantFrom(0, 1, 510, 511, 512, 513, 1024), fc.nat(1600))
  .map((length) => Buffer.alloc(length, "content "));

/** Numbers of PAX records, with what some program may write in their place. */
export const decimal: fc.Arbitrary<string> = mostly(
  fc.oneof(id.map(String), fc.nat(600).map(String), fc.constantFrom("", "+7", "-0", "07")),
  fc.constantFrom("1.5", "-1.25", ".5", "9007199254740993", "1e3", " 1", "-3"),
);

type PaxRecord = readonly [key: string, value: Bytes];

const xattr = fc
  .tuple(
    fc.constantFrom("user.a", "user.b", "trusted.c", "security.d", "system.e", "plain"),
    fc.constantFrom("", "1", "x\0y", "v".repeat(70)),
  )
  .map(([key, value]): PaxRecord => [`SCHILY.xattr.${key}`, value]);
const encodedXattr = fc
  .tuple(
    mostly(fc.constantFrom("user.%61", "security.%zz", "user.b"), fc.constant("user.a%00")),
    mostly(fc.constantFrom("aGk", "aGk=", ""), fc.constantFrom("a*b", "A")),
  )
  .map(([key, value]): PaxRecord => [`LIBARCHIVE.xattr.${key}`, value]);
const soundRecord = fc.oneof(
  fc.tuple(fc.constantFrom("path", "linkpath"), path),
  fc.tuple(fc.constantFrom("uid", "gid", "mtime", "atime", "comment"), decimal),
  xattr,
  encodedXattr,
);
/** Records that as a rule make nonsense of the entry behind them. */
const oddRecord = fc.oneof(
  fc.tuple(fc.constantFrom("size", "hdrcharset", "SCHILY.xattr.user.", "odd key"), decimal),
  fc
    .tuple(
      fc.constantFrom("size", "numblocks", "offset", "numbytes", "major", "minor", "realsize"),
      decimal,
    )
    .map(([key, value]): PaxRecord => [`GNU.sparse.${key}`, value]),
  fc.tuple(
    fc.constantFrom("GNU.sparse.map", "GNU.sparse.name"),
    fc.constantFrom("", "0,1", "0,1,2", "5,3,1,1", "a\0b", "1,2,9,9,99,1"),
  ),
);
const records = fc.array(mostly<PaxRecord>(soundRecord, oddRecord), { maxLength: 4 });

const plainItem = fc.oneof(
  fc.record({ path, data: contents, type: fc.constantFrom("0", "\0", "7") }),
  fc.record({ path, type: fc.constant("5") }),
  fc.record({ path, linkname: target }),
  fc.record({ path, linkname: target, type: fc.constant("1") }),
  fc.record({
    path,
    type: fc.constantFrom("3", "4", "6"),
    devMajor: mostly(fc.constant(259), fc.constant(4096)),
    devMinor: fc.constant(70_000),
  }),
);
const attributedItem = fc
  .tuple(plainItem, attributes, fc.option(records, { nil: [] }))
  .map(([item, more, pax]): TarItem => ({ ...item, ...more, pax }));

const sparse = fc
  .tuple(
    fc.constantFrom(...SPARSE_FORMATS),
    fc.array(fc.tuple(fc.nat(700), fc.nat(600)), { maxLength: 30 }),
    mostly(fc.oneof(fc.nat(500), fc.constant(2 ** 40)), fc.constant(2 ** 53)),
  )
  .map(([format, gaps, rest]): TarItem => {
    let end = 0;
    const segments = gaps.map(([hole, length]) => {
      const offset = end + hole;
      end = offset + length;
      return [offset, Buffer.alloc(length, "stored ")] as const;
    });
    return sparseItem(format, { path: "dir/sparse", size: end + rest, segments });
  });

/** Headers that say something of the next entry, or nothing. */
const note = fc.oneof(
  fc.tuple(fc.constantFrom("L", "K"), target).map(([type, data]): TarItem => {
    return { path: "././@LongLink", type, data, magic: "gnu" };
  }),
  fc.tuple(fc.constantFrom("x", "g"), records).map(([type, pax]): TarItem => {
    return { path: "x", type, data: paxRecords(pax) };
  }),
  mostly(fc.constantFrom("V", "M", "D", "N", "A", "I"), fc.constant("Z")).map((type): TarItem => {
    return { path: "note", type, data: "a note" };
  }),
);

/** Entries of every kind and dialect, nearly all of them sound. */
export const tarItems: fc.Arbitrary<readonly TarItem[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: attributedItem },
    { weight: 2, arbitrary: plainItem },
    { weight: 1, arbitrary: sparse },
    { weight: 1, arbitrary: note },
  ),
  { maxLength: 6 },
);
