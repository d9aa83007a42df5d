import { createHash } from "node:crypto";
import type { BlockCompressor } from "./block-compressor.ts";
import type { CodecSettings } from "./settings.ts";

/** SHA-256 over what each frozen codec makes of the vectors: a codec is known by what it does. */
export const GOLDEN_HASHES: Readonly<Record<string, string>> = {
  "gzip/1": "4107bf7dad1f377d4f4ba0ae2f500b6cf3f3f47bc9ac879afc1100b488eabd52",
  "zstd/1": "082e6a800bca08f97eb9939cf745912ab0bce31fa14577bdfda87306abc43ac3",
};

const PART_BYTES = 448 * 1024;
const WORDS =
  "the of usr lib share doc python import return self def class module package version license " +
  "copyright include config error value string number file path name type size 0 1 2 3 ( ) { } = ;";

/**
 * What this machine makes of the golden vectors: text, code, noise, runs and tables, in pieces of
 * 1 byte up to a block and one more.
 *
 * @returns 64 hex digits
 */
export function fingerprintCodec(settings: CodecSettings, compress: BlockCompressor): string {
  const hash = createHash("sha256");
  for (const piece of goldenPieces(settings.blockSize)) {
    const packed = compress(piece);
    hash.update(`${piece.length} ${packed.length}\n`);
    hash.update(packed);
  }
  return hash.digest("hex");
}

/** The id of `settings`, or with the fingerprint's first digits behind it where it is another. */
export function codecIdOf(settings: CodecSettings, fingerprint: string): string {
  return GOLDEN_HASHES[settings.id] === fingerprint
    ? settings.id
    : `${settings.id}+${fingerprint.slice(0, 16)}`;
}

/** The vectors, cut; together a little more than 2 MiB. */
export function* goldenPieces(blockSize: number): Iterable<Uint8Array> {
  const lengths = [1, 2, 3, 17, 100, 255, 256, 1000, 4095, 4096, 8192, 65_536];
  const blocks = [blockSize - 1, blockSize, blockSize + 1];
  const next = pseudoRandom(0x5eed_51f1);
  for (const fill of [fillText, fillCode, fillNoise, fillRuns, fillTables]) {
    const part = new Uint8Array(Math.max(PART_BYTES, 3 * blockSize + 90_000));
    fill(part, next);
    let at = 0;
    for (const length of [...lengths, ...blocks]) yield part.subarray(at, (at += length));
  }
}

/** Xorshift: unsigned 32-bit numbers that are the same everywhere. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function fillText(part: Uint8Array, next: () => number): void {
  const words = WORDS.split(" ").map((word) => Buffer.from(word));
  for (let at = 0; at < part.length;) {
    const number = next();
    const word = words[Math.floor((number % 1021) / 29)] ?? Buffer.of(0x78);
    part.set(word.subarray(0, part.length - at), at);
    at += word.length;
    if (at < part.length) part[at++] = number % 11 === 0 ? 0x0a : 0x20;
  }
}

/** Few opcodes, registers that repeat, small displacements and now and then an address. */
function fillCode(part: Uint8Array, next: () => number): void {
  const opcodes = [0x48, 0x89, 0x8b, 0xe8, 0x0f, 0x85, 0xc3, 0x41, 0x55, 0xff];
  for (let at = 0; at < part.length;) {
    const number = next();
    part[at++] = opcodes[number % opcodes.length] ?? 0;
    part[at++] = 0xc0 | ((number >>> 8) & 0x1b);
    if (number % 3 === 0) part[at++] = (number >>> 16) & 0x7f;
    if (number % 7 !== 0) continue;
    for (const byte of [(number >>> 12) & 0xff, (number >>> 20) & 0x0f, 0, 0]) part[at++] = byte;
  }
}

function fillNoise(part: Uint8Array, next: () => number): void {
  for (let at = 0; at < part.length; at += 1) part[at] = next() >>> 11;
}

function fillRuns(part: Uint8Array, next: () => number): void {
  for (let at = 0; at < part.length;) {
    const number = next();
    const end = at + 1 + (number % (number % 5 === 0 ? 5000 : 40));
    part.fill((number >>> 16) % 3 === 0 ? 0 : (number >>> 24) & 0x3f, at, end);
    at = end;
  }
}

/** Records of 32 bytes whose fields count up or hardly change, as inodes and directories do. */
function fillTables(part: Uint8Array, next: () => number): void {
  const view = new DataView(part.buffer);
  let position = 0;
  for (let at = 0; at + 32 <= part.length; at += 32) {
    const number = next();
    view.setUint16(at, 2, true);
    view.setUint16(at + 2, number % 9 === 0 ? 0o755 : 0o644, true);
    view.setUint32(at + 8, 1_700_000_000 + (number % 50), true);
    view.setUint32(at + 12, at / 32, true);
    view.setUint32(at + 16, (position += number % 70_000), true);
    view.setUint32(at + 28, number % 9000, true);
  }
}
