import { safeNumber, viewOf } from "../base/index.ts";
import { CODECS } from "../codec/index.ts";
import type { Compression } from "../image/index.ts";
import { refusal } from "./squashfs-error.ts";
import { SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";

/** What a superblock says, checked as far as it can be on its own. */
export interface ParsedSuperblock extends Superblock {
  readonly compression: Compression;
  /** When the image was made, in seconds since 1970. */
  readonly madeAt: number;
  /** Whether a block with the compressor's options follows. */
  readonly hasOptions: boolean;
  readonly exportTable: number | undefined;
}

const MAGIC = 0x7371_7368;
const OPTIONS_FLAG = 0x0400;
const NO_TABLE = 0xffff_ffff_ffff_ffffn;
const LEAST_BLOCK_LOG = 12;
const MOST_BLOCK_LOG = 20;
/** The least unit in which kernels read a device. */
const DEVICE_BLOCK = 1024;
const COMPRESSOR_NAMES = ["none", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"] as const;

/**
 * Parses the first 96 bytes of an image.
 *
 * @param sourceSize - bytes that are there, padding included
 * @throws SquashfsError `SQUASHFS_SUPERBLOCK`; `SQUASHFS_COMPRESSOR` for another than gzip and zstd
 * @see squashfs 4.0, superblock
 */
export function parseSuperblock(bytes: Uint8Array, sourceSize: number): ParsedSuperblock {
  const view = viewOf(bytes);
  expectField("magic", view.getUint32(0, true), MAGIC);
  expectField("major version", view.getUint16(28, true), 4);
  expectField("minor version", view.getUint16(30, true), 0);
  const blockSize = parseBlockSize(view);
  const compressor = view.getUint16(20, true);
  const flags = view.getUint16(24, true);
  const table = (at: number): number | undefined =>
    view.getBigUint64(at, true) === NO_TABLE ? undefined : position(view, at);
  return {
    inodeCount: atLeastOne("inode count", view.getUint32(4, true)),
    madeAt: view.getUint32(8, true),
    blockSize,
    fragmentCount: view.getUint32(16, true),
    compressor,
    compression: parseCompressor(compressor),
    flags,
    hasOptions: (flags & OPTIONS_FLAG) !== 0,
    idCount: atLeastOne("id count", view.getUint16(26, true)),
    rootReference: view.getBigUint64(32, true),
    bytesUsed: parseBytesUsed(view, sourceSize),
    idTable: position(view, 48),
    xattrTable: table(56),
    inodeTable: position(view, 64),
    directoryTable: position(view, 72),
    fragmentTable: table(80),
    exportTable: table(88),
  };
}

function parseBlockSize(view: DataView): number {
  const size = view.getUint32(12, true);
  const log = view.getUint16(22, true);
  if (log < LEAST_BLOCK_LOG || log > MOST_BLOCK_LOG || size !== 2 ** log) {
    throw refusal(
      "SQUASHFS_SUPERBLOCK",
      "block size",
      "a power of two from 4096 to 1048576 and its logarithm",
      `${size} and ${log}`,
    );
  }
  return size;
}

function parseCompressor(id: number): Compression {
  const known = Object.values(CODECS).find(({ squashfsId }) => squashfsId === id);
  if (known !== undefined) return known.compression;
  throw refusal("SQUASHFS_COMPRESSOR", "compressor", "gzip or zstd", COMPRESSOR_NAMES[id] ?? id);
}

function parseBytesUsed(view: DataView, sourceSize: number): number {
  const used = position(view, 40);
  const padded = Math.ceil(used / DEVICE_BLOCK) * DEVICE_BLOCK;
  if (used < SUPERBLOCK_BYTES || padded > sourceSize) {
    // Without padding the last block of the device is out of a kernel's reach.
    const expected = `the bytes used, padded to ${DEVICE_BLOCK}, within ${sourceSize}`;
    throw refusal("SQUASHFS_SUPERBLOCK", "size", expected, used);
  }
  return used;
}

/** A 64-bit position; what it must lie between is seen when all of them are known. */
function position(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  const natural = safeNumber(value);
  if (natural !== undefined) return natural;
  throw refusal("SQUASHFS_SUPERBLOCK", `position at byte ${at}`, "less than 2^53", value);
}

function atLeastOne(what: string, value: number): number {
  if (value >= 1) return value;
  throw refusal("SQUASHFS_SUPERBLOCK", what, "at least 1", value);
}

function expectField(what: string, value: number, expected: number): void {
  if (value === expected) return;
  throw refusal("SQUASHFS_SUPERBLOCK", what, String(expected), value);
}
