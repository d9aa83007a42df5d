import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError, type ByteSource } from "../../src/base/index.ts";
import { openSquashfs, SquashfsError } from "../../src/squashfs/index.ts";
import { readWholeImage, sampleSquashfs } from "../fixtures/sample-squashfs.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";

const SUPERBLOCK_BYTES = 96;
/** The most that one read may ask for: a block of the largest kind, or an index. */
const MOST_READ = 1 << 20;
/** The most reads that an image of the sample's size may take. */
const MOST_READS = 5000;
/** What of the files' contents is read, for holes may have any size. */
const MOST_CONTENT = 1 << 22;

/** The sample of both codecs, its metadata compressed and raw. */
const images = (["gzip", "zstd"] as const)
  .flatMap((compression) =>
    [false, true].map((compressed) => sampleSquashfs(compression, { compressed })),
  )
  .map((image) => {
    const fields = Buffer.from(image);
    const tables = Number(fields.readBigUInt64LE(64));
    return { image, tables, end: Number(fields.readBigUInt64LE(40)) };
  });

/** Taken modulo what there is. */
const at = fc.nat(2 ** 20);

/** A byte to be changed: most often in the tables, which mean more than the data. */
const change = fc.record({
  part: fc.oneof(
    { weight: 1, arbitrary: fc.constant("superblock" as const) },
    { weight: 8, arbitrary: fc.constant("tables" as const) },
    { weight: 1, arbitrary: fc.constant("anywhere" as const) },
  ),
  at,
  value: fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.nat(255)),
});

/** A good image with up to four bytes changed. */
export const mutatedImage: fc.Arbitrary<Uint8Array> = fc
  .record({
    base: fc.constantFrom(...images),
    changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  })
  .map(({ base: { image, tables, end }, changes }) => {
    const bytes = new Uint8Array(image);
    for (const { part, at, value } of changes) {
      const from = part === "tables" ? tables : 0;
      const to = part === "superblock" ? SUPERBLOCK_BYTES : end;
      bytes[from + (at % (to - from))] = value;
    }
    return bytes;
  });

/** A good image without its end. */
export const truncatedImage: fc.Arbitrary<Uint8Array> = fc
  .record({ base: fc.constantFrom(...images), at })
  .map(({ base: { image, end }, at }) => image.subarray(0, at % end));

/**
 * Reads everything of an image. Asserts that it is read or refused by one of our own errors, and at
 * a cost that its size bounds.
 */
export async function readOrRefuse(bytes: Uint8Array): Promise<"read" | "refused"> {
  try {
    const reader = await openSquashfs(countedSource(bytes), { limits: DEFAULT_LIMITS }, never);
    await readWholeImage(reader, MOST_CONTENT);
    return "read";
  } catch (error) {
    assert.ok(error instanceof SquashfsError || error instanceof LimitError, String(error));
    return "refused";
  }
}

function countedSource(bytes: Uint8Array): ByteSource {
  const source = strictSource(bytes, MOST_READ);
  let reads = 0;
  return {
    size: source.size,
    read: async (position, length) => {
      reads += 1;
      if (reads > MOST_READS) throw new Error(`more than ${MOST_READS} reads`);
      return await source.read(position, length);
    },
  };
}
