import { viewOf } from "../base/index.ts";
import { naturalOf, putText, textOf, timeOf } from "./field.ts";
import { SifError } from "./sif-error.ts";

export const HEADER_BYTES = 128;

const MAGIC = "SIF_MAGIC";
const VERSION = "01";

/** Where the fields stand in the 128 bytes; sif.md §1.2. */
const LAUNCH = { start: 0, end: 32 };
const MAGIC_FIELD = { start: 32, end: 42 };
const VERSION_FIELD = { start: 42, end: 45 };
const ARCHITECTURE = { start: 45, end: 48 };
const UUID = { start: 48, end: 64 };
const INTEGERS_AT = 64;

/** The global header as it is written. */
export interface SifHeaderInput {
  /** First line of the file, at most 31 bytes with its line feed; "" for none. */
  readonly launch: string;
  /** Two digits. */
  readonly architecture: string;
  /** 16 bytes in RFC 4122 order. */
  readonly uuid: Uint8Array;
  /** Unix seconds, for creation and modification alike. */
  readonly timeSeconds: bigint;
  readonly descriptorsFree: number;
  readonly descriptorsTotal: number;
  readonly descriptorsOffset: number;
  readonly descriptorsSize: number;
  readonly dataOffset: number;
  readonly dataSize: number;
}

/** The global header as it was read. Offsets and sizes are bytes from the start of the file. */
export interface SifHeader {
  /** First line, usually `#!/usr/bin/env run-singularity` with its line feed; "" for none. */
  readonly launch: string;
  /** Two digits, not authenticated by any signature; `00` without a primary system partition. */
  readonly architecture: string;
  /** 32 lower-case hex digits with dashes, all 0 in a deterministic file. */
  readonly uuid: string;
  /** Unix seconds; undefined where not set. */
  readonly createdSeconds: bigint | undefined;
  /** Unix seconds; undefined where not set. */
  readonly modifiedSeconds: bigint | undefined;
  readonly descriptorsFree: number;
  readonly descriptorsTotal: number;
  readonly descriptorsOffset: number;
  /** Bytes of the whole table, free slots included. */
  readonly descriptorsSize: number;
  /** As stored: files made before September 2021 do not begin their data there. */
  readonly dataOffset: number;
  /** As stored: deleted tails and old files' first padding make it differ from what is used. */
  readonly dataSize: number;
  /** The 128 bytes of the header as they stand in the file. */
  readonly bytes: Uint8Array;
}

/** @see sif.md §1.2, global header */
export function encodeHeader(header: SifHeaderInput): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const field = ({ start, end }: { start: number; end: number }): Uint8Array =>
    bytes.subarray(start, end);
  putText(field({ ...LAUNCH, end: LAUNCH.end - 1 }), header.launch, "launch line");
  putText(field(MAGIC_FIELD), MAGIC, "magic");
  putText(field(VERSION_FIELD), VERSION, "version");
  putText(field(ARCHITECTURE), header.architecture, "architecture");
  field(UUID).set(header.uuid);
  const view = viewOf(bytes);
  [
    header.timeSeconds,
    header.timeSeconds,
    BigInt(header.descriptorsFree),
    BigInt(header.descriptorsTotal),
    BigInt(header.descriptorsOffset),
    BigInt(header.descriptorsSize),
    BigInt(header.dataOffset),
    BigInt(header.dataSize),
  ].forEach((value, at) => {
    view.setBigInt64(INTEGERS_AT + 8 * at, value, true);
  });
  return bytes;
}

/**
 * @param bytes - the first 128 bytes of the file
 * @throws SifError `SIF_MAGIC`, `SIF_VERSION`, or `SIF_TABLE` for a number that cannot be one
 * @see sif.md §1.2, global header
 */
export function decodeHeader(bytes: Uint8Array): SifHeader {
  const field = ({ start, end }: { start: number; end: number }): Uint8Array =>
    bytes.subarray(start, end);
  // Compared whole, with the NUL that ends them: `SIF_MAGICAL` and `011` are something else.
  if (ascii(field(MAGIC_FIELD)) !== `${MAGIC}\0`) {
    throw new SifError("SIF_MAGIC", "SIF global header: expected SIF_MAGIC at byte 32, got none");
  }
  const version = ascii(field(VERSION_FIELD));
  if (version !== `${VERSION}\0`) {
    throw new SifError(
      "SIF_VERSION",
      `SIF global header: expected version ${VERSION}, got ${JSON.stringify(version.replace(/\0+$/, ""))}`,
    );
  }
  const view = viewOf(bytes);
  const integer = (index: number): bigint => view.getBigInt64(INTEGERS_AT + 8 * index, true);
  const natural = (index: number, name: string): number =>
    naturalOf(integer(index), "SIF_TABLE", `SIF global header, ${name}`);
  return {
    launch: textOf(field(LAUNCH)),
    architecture: textOf(field(ARCHITECTURE)),
    uuid: formatUuid(field(UUID)),
    createdSeconds: timeOf(integer(0)),
    modifiedSeconds: timeOf(integer(1)),
    descriptorsFree: natural(2, "descriptors free"),
    descriptorsTotal: natural(3, "descriptors total"),
    descriptorsOffset: natural(4, "descriptors offset"),
    descriptorsSize: natural(5, "descriptors size"),
    dataOffset: natural(6, "data offset"),
    dataSize: natural(7, "data size"),
    bytes,
  };
}

function ascii(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
