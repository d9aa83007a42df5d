import fc from "fast-check";
import type { Limits } from "../../src/base/index.ts";
import type { ChunkSizes } from "../fixtures/in-chunks.ts";
import { tar, tarNumber } from "../fixtures/tar/index.ts";
import { chunkSizes } from "./chunk-sizes.ts";
import { edited, edits } from "./edits.ts";
import { decimal, tarItems } from "./tar-items.ts";
import { mostly, seldom } from "./weights.ts";

export interface TarInput {
  readonly archive: Uint8Array;
  readonly chunks: ChunkSizes;
  readonly limits: Partial<Limits>;
}

const BLOCK = 512;

/** A field of a header that gets another value; the header's checksum is put right, or is not. */
interface FieldSpoil {
  /** Counted modulo the blocks that there are. */
  readonly block: number;
  readonly at: number;
  readonly value: Uint8Array;
  readonly mends: boolean;
}

/** Position and bytes of every field of any dialect. */
const FIELDS = [
  ...[0, 100, 100, 8, 108, 8, 116, 8, 124, 12, 136, 12, 148, 8, 156, 1, 157, 100, 257, 8, 329, 8],
  ...[337, 8, 345, 155, 386, 12, 398, 12, 482, 1, 483, 12, 508, 4],
];
const field = fc
  .nat(FIELDS.length / 2 - 1)
  .map((index) => ({ at: FIELDS[2 * index] ?? 0, bytes: FIELDS[2 * index + 1] ?? 0 }));
const fieldText = fc.oneof(
  fc.constantFrom("ustar\x0000", "ustar  \0", "tar\0", "", " ", "\0", "7777777", "0000644\0"),
  fc.constantFrom("0", "1", "2", "5", "6", "7", "x", "g", "L", "K", "S", "V", "Z"),
  fc.constantFrom("  12 \0", "12x", "8", "-1", "\x0012", "1 2"),
);
const fieldSpoil = fc
  .record({
    block: fc.nat(100),
    field,
    value: fc.oneof(
      fieldText.map((text): Uint8Array => Buffer.from(text, "latin1")),
      fc
        .tuple(
          fc.oneof(
            fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
            fc.constantFrom(2n ** 31n, 2n ** 40n, 2n ** 53n - 1n),
          ),
          fc.constantFrom(8, 12),
        )
        .map(([value, bytes]) => tarNumber(value, bytes)),
      fc.uint8Array({ minLength: 1, maxLength: 12 }),
    ),
    mends: mostly(fc.constant(true), fc.constant(false)),
  })
  .map(({ field: { at, bytes }, value, ...rest }): FieldSpoil => {
    return { ...rest, at, value: value.subarray(0, bytes) };
  });

/** Some number in the archive's text that becomes another one. */
interface NumberSpoil {
  readonly which: number;
  readonly text: string;
}
const numberSpoil: fc.Arbitrary<NumberSpoil> = fc.record({ which: fc.nat(200), text: decimal });

const limits = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Partial<Limits>>({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Partial<Limits>>(
      { headerBytes: 100 },
      { pathBytes: 60, pathDepth: 2 },
      { linkTargetBytes: 50, xattrBytes: 60, sparseSegments: 3 },
    ),
  },
);

/** Archives with everything that the reader has a state for, whole and spoiled in some ways. */
export const tarInput: fc.Arbitrary<TarInput> = fc
  .record({
    items: tarItems,
    fields: seldom(fc.array(fieldSpoil, { minLength: 1, maxLength: 2 })),
    numbers: seldom(fc.array(numberSpoil, { minLength: 1, maxLength: 1 })),
    changes: seldom(edits(BLOCK)),
    limits,
    chunks: chunkSizes,
  })
  .map(({ items, fields, numbers, changes, limits, chunks }) => {
    const bytes = fields.reduce(spoilField, Buffer.from(tar(items)));
    return { archive: edited(numbers.reduce(spoilNumber, bytes), changes), limits, chunks };
  });

function spoilField(archive: Buffer, { block, at, value, mends }: FieldSpoil): Buffer {
  const copy = Buffer.from(archive);
  const from = (block % (archive.length / BLOCK)) * BLOCK;
  const header = copy.subarray(from, from + BLOCK);
  header.set(value, at);
  if (mends) mendChecksum(header);
  return copy;
}

function mendChecksum(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((so, byte) => so + byte, 0);
  header.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

function spoilNumber(archive: Buffer, { which, text }: NumberSpoil): Buffer {
  const numbers = [...archive.toString("latin1").matchAll(/\d+/g)];
  const found = numbers[which % Math.max(1, numbers.length)];
  if (found === undefined) return archive;
  const digits = found[0].length;
  const copy = Buffer.from(archive);
  copy.write(text.slice(0, digits).padStart(digits, "0"), found.index, "latin1");
  return copy;
}
