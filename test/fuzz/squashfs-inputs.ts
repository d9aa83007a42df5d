import fc from "fast-check";
import { emptyFiles, sampleSquashfs, TIMES } from "../fixtures/sample-squashfs.ts";
import { record } from "../fixtures/small-squashfs.ts";
import { SquashfsEditor, SUPERBLOCK } from "../fixtures/squashfs-editor.ts";
import { edited, edits } from "./edits.ts";
import { numberChange, numbersFrom, withNumbers, type Place } from "./number-changes.ts";
import { seldom } from "./weights.ts";

interface Base {
  readonly image: Uint8Array;
  /** Numbers that readers depend on. */
  readonly places: readonly Place[];
  /** Where the tables begin and where they end. */
  readonly tables: number;
  readonly end: number;
}

/** Images whose metadata lies bare, so that a change meets a field, and some as they are written. */
const BASES: readonly Base[] = [
  ...(["gzip", "zstd"] as const).flatMap((compression) => [
    sampleBase(sampleSquashfs(compression)),
    sampleBase(new SquashfsEditor(sampleSquashfs(compression)).addExportTable().bytes),
    base(sampleSquashfs(compression, { compressed: true }), []),
  ]),
  indexedBase(),
];

function base(image: Uint8Array, places: readonly Place[]): Base {
  const editor = new SquashfsEditor(image);
  return {
    image,
    places: [...superblockPlaces(editor), ...places],
    tables: editor.u64(SUPERBLOCK.inodeTable),
    end: editor.u64(SUPERBLOCK.bytesUsed),
  };
}

function sampleBase(image: Uint8Array): Base {
  const editor = new SquashfsEditor(image);
  const inodes = Object.values(TIMES).flatMap((time) => numbersFrom(editor.inode(time), 64));
  const directories = editor.u64(SUPERBLOCK.directoryTable);
  const end = editor.u64(SUPERBLOCK.bytesUsed);
  const xattrs = editor.u64(editor.u64(SUPERBLOCK.xattrTable));
  const inXattrs = numbersFrom(xattrs, end - xattrs - 8);
  return base(image, [
    ...inodes,
    ...numbersFrom(directories, xattrs - directories),
    // Few as they are, they would hardly be met.
    ...[inXattrs, inXattrs, inXattrs].flat(),
  ]);
}

/** A directory with an index, another one below it, attributes and a hard link. */
function indexedBase(): Base {
  const paths = Array.from({ length: 150 }, (_, index) => `many/${index + 100}-${"n".repeat(60)}`);
  const xattrs = [{ name: Buffer.from("user.a"), value: Buffer.from("1") }];
  const records = [
    record({ path: "many/", xattrs }),
    ...paths.map((path) => record({ path })),
    record({ path: "zz", kind: "hardlink", linkTarget: paths[5] ?? "" }),
  ];
  const image = emptyFiles([], { records });
  const editor = new SquashfsEditor(image);
  const directories = editor.u64(SUPERBLOCK.directoryTable);
  return base(image, [
    // The last inodes are the directories, and `many` has its index behind it.
    ...numbersFrom(directories - 240, 240),
    ...numbersFrom(directories, 2000),
  ]);
}

function superblockPlaces(editor: SquashfsEditor): Place[] {
  const { inodeCount, blockSize, fragmentCount, bytesUsed } = SUPERBLOCK;
  const words: number[] = [inodeCount, blockSize, fragmentCount];
  const places = Object.values(SUPERBLOCK).map((at): Place => {
    if (words.includes(at)) return { at, bytes: 4 };
    return { at, bytes: at >= SUPERBLOCK.rootReference ? 8 : 2 };
  });
  // Superblock positions lead to the lists that say where the blocks of each table begin.
  const end = editor.u64(bytesUsed);
  const lists = [SUPERBLOCK.idTable, SUPERBLOCK.fragmentTable, SUPERBLOCK.xattrTable]
    .map((at) => editor.u64(at))
    .filter((at) => at < end);
  return [...places, ...lists.map((at): Place => ({ at, bytes: 8 }))];
}

const place = fc.nat(2 ** 20);

/** A byte of the tables, compressed or not. */
interface ByteChange {
  readonly at: number;
  readonly byte: number;
}
const byteChange: fc.Arbitrary<ByteChange> = fc.record({ at: place, byte: fc.nat(255) });

/** Good images with some numbers, bytes or stretches changed. */
export const squashfsInput: fc.Arbitrary<Uint8Array> = fc
  .record({
    base: fc.constantFrom(...BASES),
    numbers: fc.array(numberChange, { maxLength: 3 }),
    bytes: seldom(fc.array(byteChange, { maxLength: 2 })),
    changes: seldom(edits(8)),
  })
  .map(({ base: { image, places, tables, end }, numbers, bytes, changes }) => {
    const copy = withNumbers(image, places, numbers);
    for (const { at, byte } of bytes) copy[tables + (at % (end - tables))] = byte;
    return edited(copy, changes);
  });
