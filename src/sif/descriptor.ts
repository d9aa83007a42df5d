import { viewOf } from "../base/index.ts";
import { naturalOf, putText, textOf, timeOf } from "./field.ts";
import { SifError } from "./sif-error.ts";

export const DESCRIPTOR_BYTES = 585;
const NAME = { start: 73, end: 201 };
const EXTRA = { start: 201, end: 585 };

const GROUP_MASK = 0xf0000000;
/** Largest id of an object or group: the four bits above it mark a group. */
const MAX_ID = 0x0fffffff;

/** Values of the field *data type*; sif.md §1.3. */
export const DATA_TYPES = {
  definition: 0x4001,
  environment: 0x4002,
  labels: 0x4003,
  partition: 0x4004,
  signature: 0x4005,
  json: 0x4006,
  raw: 0x4007,
  cryptoMessage: 0x4008,
  sbom: 0x4009,
  ociRootIndex: 0x400a,
  ociBlob: 0x400b,
} as const;

/** What a data object refers to: one object, or every object of a group. */
export interface SifLink {
  readonly kind: "object" | "group";
  readonly id: number;
}

/** The fields of a record that are written as the caller says. */
export interface SifRecord {
  /** One of `DATA_TYPES`. */
  readonly dataType: number;
  /** Undefined: in no group. */
  readonly groupId: number | undefined;
  readonly link: SifLink | undefined;
  /** At most 128 bytes of UTF-8; "" for none. */
  readonly name: string;
  /** At most 384 bytes, whose meaning the data type decides. */
  readonly extra: Uint8Array;
}

/** One used record of the descriptor table as it was read. */
export interface SifDescriptor extends SifRecord {
  /** Index in the table; usually the id less 1. */
  readonly slot: number;
  /** 1 or more; no two descriptors of a file have the same. */
  readonly id: number;
  /** First byte of the object, from the start of the file. */
  readonly offset: number;
  /** Bytes of the object without the padding before it; the range lies within the file. */
  readonly size: number;
  /** As stored: the object and the padding before it. */
  readonly sizeWithPadding: number;
  /** Unix seconds; undefined where not set. */
  readonly createdSeconds: bigint | undefined;
  /** Unix seconds; undefined where not set. */
  readonly modifiedSeconds: bigint | undefined;
  /** The 585 bytes of the record as they stand in the file. */
  readonly bytes: Uint8Array;
}

/** Where an object stands in the file that is being written. */
export interface SifPlacement {
  /** Slot index + 1. */
  readonly id: number;
  /** First byte of the object, from the start of the file. */
  readonly offset: number;
  /** Zero bytes between the end of the object before and `offset`. */
  readonly padding: number;
  readonly size: number;
}

/** @see sif.md §1.3, descriptor */
export function encodeDescriptor(
  record: SifRecord,
  placement: SifPlacement,
  timeSeconds: bigint,
): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTOR_BYTES);
  const view = viewOf(bytes);
  view.setInt32(0, record.dataType, true);
  view.setUint8(4, 1);
  view.setUint32(5, placement.id, true);
  view.setUint32(9, groupValue(record.groupId ?? 0), true);
  view.setUint32(13, linkValue(record.link), true);
  view.setBigInt64(17, BigInt(placement.offset), true);
  view.setBigInt64(25, BigInt(placement.size), true);
  view.setBigInt64(33, BigInt(placement.size + placement.padding), true);
  view.setBigInt64(41, timeSeconds, true);
  view.setBigInt64(49, timeSeconds, true);
  // 57 and 65, the builder's uid and gid in old files, stay 0.
  putText(bytes.subarray(NAME.start, NAME.end), record.name, "SIF object name");
  bytes.subarray(EXTRA.start, EXTRA.end).set(record.extra);
  return bytes;
}

/**
 * @param bytes - the 585 bytes of the slot
 * @param slot - the slot's index in the table, for messages
 * @returns undefined for a free slot, whatever else it holds
 * @throws SifError `SIF_OBJECT` for an id, group or link that cannot be one, or a negative number
 * @see sif.md §1.3, descriptor
 */
export function decodeDescriptor(bytes: Uint8Array, slot: number): SifDescriptor | undefined {
  const view = viewOf(bytes);
  if (view.getUint8(4) === 0) return undefined;
  // A copy: a view would keep the whole table alive for as long as one descriptor.
  const own = bytes.slice();
  const what = `SIF descriptor in slot ${slot}`;
  const natural = (at: number, name: string): number =>
    naturalOf(view.getBigInt64(at, true), "SIF_OBJECT", `${what}, ${name}`);
  return {
    slot,
    dataType: view.getInt32(0, true),
    id: objectId(view.getUint32(5, true), what),
    groupId: groupOf(view.getUint32(9, true), what),
    link: linkOf(view.getUint32(13, true), what),
    offset: natural(17, "offset"),
    size: natural(25, "size"),
    sizeWithPadding: natural(33, "size with padding"),
    createdSeconds: timeOf(view.getBigInt64(41, true)),
    modifiedSeconds: timeOf(view.getBigInt64(49, true)),
    name: textOf(bytes.subarray(NAME.start, NAME.end)),
    extra: own.subarray(EXTRA.start, EXTRA.end),
    bytes: own,
  };
}

function groupValue(id: number): number {
  if (id > MAX_ID) throw new RangeError(`SIF group id ${id}: expected at most ${MAX_ID}`);
  return GROUP_MASK + id;
}

function linkValue(link: SifLink | undefined): number {
  if (link === undefined) return 0;
  return link.kind === "group" ? groupValue(link.id) : link.id;
}

function objectId(value: number, what: string): number {
  if (value >= 1 && value <= MAX_ID) return value;
  throw new SifError("SIF_OBJECT", `${what}: expected an id of 1 … ${MAX_ID}, got ${value}`);
}

/** "No group" is the bare mask, never 0. */
function groupOf(value: number, what: string): number | undefined {
  if (value < GROUP_MASK) {
    throw new SifError("SIF_OBJECT", `${what}: expected a group id with its mask, got ${value}`);
  }
  return value === GROUP_MASK ? undefined : value - GROUP_MASK;
}

function linkOf(value: number, what: string): SifLink | undefined {
  if (value === 0) return undefined;
  if (value >= GROUP_MASK) return { kind: "group", id: value - GROUP_MASK };
  if (value <= MAX_ID) return { kind: "object", id: value };
  throw new SifError("SIF_OBJECT", `${what}: expected a link to an object or group, got ${value}`);
}
