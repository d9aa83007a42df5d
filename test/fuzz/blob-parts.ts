import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { textBytes, noiseBytes } from "../real/index.ts";

/** A piece of a compressed blob, and what it is decompressed. */
export interface BlobPart {
  readonly stored: Uint8Array;
  readonly content: Uint8Array;
}

const EMPTY = new Uint8Array(0);
const KiB = 1024;

/** Around the sizes at which decoders and our buffers change what they do. */
const sizes = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(0, 1, 255, 256, 3000) },
  { weight: 3, arbitrary: fc.constantFrom(128 * KiB, 128 * KiB + 1, 256 * KiB - 1, 256 * KiB) },
  { weight: 1, arbitrary: fc.constantFrom(700_000) },
);
const LARGEST = 700_000;
const SAMPLES = [textBytes("blob", LARGEST), noiseBytes("blob", LARGEST), Buffer.alloc(LARGEST)];
const contents = fc
  .tuple(fc.constantFrom(...SAMPLES), sizes)
  .map(([sample, size]): Uint8Array => sample.subarray(0, size));

const NAMED_GZIP = Buffer.from("1f8b081e0000000000ff0300414243", "hex");

export const gzipMember: fc.Arbitrary<BlobPart> = fc
  .tuple(contents, fc.constantFrom(0, 1, 9))
  .map(([content, level]) => ({ stored: gzipSync(content, { level }), content }));

/** Frames of zstd's own making, of all its headers that layers have. */
const zstdFrame = fc
  .record({
    content: contents,
    isPledged: fc.boolean(),
    hasChecksum: fc.boolean(),
    level: fc.constantFrom(1, 3),
  })
  .map(({ content, isPledged, hasChecksum, level }): BlobPart => {
    const params = {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: hasChecksum,
    };
    const size = isPledged ? { pledgedSrcSize: content.length } : {};
    return { stored: zstdCompressSync(content, { ...size, params }), content };
  });

const skippableFrame = fc
  .tuple(fc.nat(15), fc.constantFrom(0, 1, 5000))
  .map(([kind, length]): BlobPart => {
    const header = Buffer.from([0x50 + kind, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    header.writeUInt32LE(length, 4);
    return { stored: Buffer.concat([header, noiseBytes("skipped", length)]), content: EMPTY };
  });

/** A block of a hand-made frame: bytes as they are, or one byte over and over. */
const rawBlock = fc.constantFrom(0, 1, 100, 1024).map((size) => ({
  type: 0,
  size,
  body: noiseBytes("raw", size),
  content: noiseBytes("raw", size),
}));
const repeatedBlock = fc.constantFrom(0, 1, 1000, 1024).map((size) => {
  return { type: 1, size, body: Uint8Array.of(7), content: Buffer.alloc(size, 7) };
});

/** Frames of many small blocks, whose window is the least there is. */
const handMadeFrame = fc
  .array(fc.oneof(rawBlock, repeatedBlock), { minLength: 1, maxLength: 40 })
  .map((blocks): BlobPart => {
    const parts = blocks.flatMap(({ type, size, body }, index) => {
      const header = Buffer.alloc(3);
      const isLast = index === blocks.length - 1 ? 1 : 0;
      header.writeUIntLE((size << 3) | (type << 1) | isLast, 0, 3);
      return [header, body];
    });
    const magicAndWindow = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
    return {
      stored: Buffer.concat([magicAndWindow, ...parts]),
      content: Buffer.concat(blocks.map(({ content }) => content)),
    };
  });

export const zstdPart: fc.Arbitrary<BlobPart> = fc.oneof(zstdFrame, skippableFrame, handMadeFrame);

/** A frame whose header says anything, with repeated bytes of the largest block behind it. */
const oddFrame = fc
  .record({
    descriptor: fc.nat(255),
    fields: fc.uint8Array({ maxLength: 13 }),
    blocks: fc.nat(20),
    hasEnd: fc.boolean(),
  })
  .map(({ descriptor, fields, blocks, hasEnd }): Uint8Array => {
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...fields]);
    const block = Buffer.from([0x02, 0x00, 0x10, 0x07]);
    const end = hasEnd ? [0x01, 0, 0] : [];
    return Buffer.concat([
      header,
      ...Array.from({ length: blocks }, () => block),
      Buffer.from(end),
    ]);
  });

/** What may stand behind a compressed stream, and mostly may not. */
export const trailer: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constantFrom(1, 8, 600).map((length) => new Uint8Array(length)),
  fc.uint8Array({ minLength: 1, maxLength: 20 }),
  fc.constant<Uint8Array>(NAMED_GZIP),
  oddFrame,
);
