import type { SifArchitecture } from "./architecture.ts";
import {
  DATA_TYPES,
  DESCRIPTOR_BYTES,
  encodeDescriptor,
  type SifLink,
  type SifPlacement,
  type SifRecord,
} from "./descriptor.ts";
import { UNSET_SECONDS } from "./field.ts";
import { encodeHeader } from "./header.ts";
import { PARTITION_TYPES, partitionOf } from "./partition.ts";

/** One object of a SIF that is to be written. */
export interface SifObjectInput {
  /** One of `DATA_TYPES`. */
  readonly dataType: number;
  /** The group it is in; undefined: none. */
  readonly groupId: number | undefined;
  /** At most 128 bytes of UTF-8; absent: none. */
  readonly name?: string;
  /** What it refers to; absent: nothing. */
  readonly link?: SifLink;
  /** At most 384 bytes, whose meaning the data type decides; absent: all zero. */
  readonly extra?: Uint8Array;
  /** Bytes of the object. */
  readonly size: number;
}

/** Every byte of a SIF but its objects, so that a writer goes through the file once, forward. */
export interface SifPlan {
  /** Bytes 0 … `head.length` − 1: global header, gap, descriptor table. */
  readonly head: Uint8Array;
  /** In the order of the file and of the input; nothing stands between them but zero padding. */
  readonly objects: readonly SifPlacement[];
  /** Bytes of the whole file. */
  readonly size: number;
}

/** What a header says beyond its objects; all of it is fixed in a deterministic file. */
export interface SifIdentity {
  readonly launch: string;
  readonly uuid: Uint8Array;
  readonly timeSeconds: bigint;
}

const DETERMINISTIC: SifIdentity = {
  launch: "#!/usr/bin/env run-singularity\n",
  uuid: new Uint8Array(16),
  timeSeconds: UNSET_SECONDS,
};

const TABLE_OFFSET = 4096;
const DEFAULT_CAPACITY = 48;
/** Slots left free in a table that outgrew the default: room for signatures added later. */
const SPARE_SLOTS = 8;
const PARTITION_ALIGNMENT = 4096;

/**
 * Lays out a SIF in deterministic mode (nil uuid, times not set, owners 0): the bytes depend on the
 * arguments alone. Partitions begin at a multiple of 4096, every other object right after the one
 * before. The table has 48 slots, or as many as the objects and 8 more.
 *
 * @param input.architecture - code of the primary system partition, `00` where there is none
 * @throws Error when `architecture` is not the primary partition's, or a field does not fit
 * @see sif.md §1.2 to §1.5
 */
export function planSif(input: {
  readonly architecture: SifArchitecture;
  readonly objects: readonly SifObjectInput[];
}): SifPlan {
  return planSifAs(DETERMINISTIC, input);
}

/** `planSif` for a file that is not, or not so, deterministic: what the reference's files are. */
export function planSifAs(
  identity: SifIdentity,
  input: { readonly architecture: string; readonly objects: readonly SifObjectInput[] },
): SifPlan {
  const records = input.objects.map(recordOf);
  checkArchitecture(input.architecture, records);
  const capacity = Math.max(DEFAULT_CAPACITY, records.length + SPARE_SLOTS);
  const dataOffset = TABLE_OFFSET + capacity * DESCRIPTOR_BYTES;
  const objects = placeObjects(dataOffset, input.objects);
  const last = objects.at(-1);
  const size = last === undefined ? dataOffset : last.offset + last.size;
  const head = new Uint8Array(dataOffset);
  head.set(
    encodeHeader({
      ...identity,
      architecture: input.architecture,
      descriptorsFree: capacity - records.length,
      descriptorsTotal: capacity,
      descriptorsOffset: TABLE_OFFSET,
      descriptorsSize: capacity * DESCRIPTOR_BYTES,
      dataOffset,
      dataSize: size - dataOffset,
    }),
  );
  for (const [slot, placement] of objects.entries()) {
    const record = records[slot];
    if (record === undefined) throw new Error(`SIF plan: no record for slot ${slot}`);
    head.set(
      encodeDescriptor(record, placement, identity.timeSeconds),
      TABLE_OFFSET + slot * DESCRIPTOR_BYTES,
    );
  }
  return { head, objects, size };
}

function recordOf(object: SifObjectInput): SifRecord {
  return {
    dataType: object.dataType,
    groupId: object.groupId,
    link: object.link,
    name: object.name ?? "",
    extra: object.extra ?? new Uint8Array(0),
  };
}

function placeObjects(dataOffset: number, objects: readonly SifObjectInput[]): SifPlacement[] {
  let end = dataOffset;
  return objects.map(({ dataType, size }, slot) => {
    const alignment = dataType === DATA_TYPES.partition ? PARTITION_ALIGNMENT : 1;
    const offset = Math.ceil(end / alignment) * alignment;
    const padding = offset - end;
    end = offset + size;
    return { id: slot + 1, offset, padding, size };
  });
}

/** The header repeats the primary partition's architecture, so the two must never part. */
function checkArchitecture(architecture: string, records: readonly SifRecord[]): void {
  const primaries = records
    .filter(({ dataType }) => dataType === DATA_TYPES.partition)
    .map(({ extra }) => partitionOf(extra))
    .filter(({ partitionType }) => partitionType === PARTITION_TYPES.primarySystem);
  if (primaries.length > 1) throw new Error("SIF plan: more than one primary system partition");
  const expected = primaries[0]?.architecture ?? "00";
  if (architecture === expected) return;
  throw new Error(`SIF plan: expected architecture ${expected}, got ${architecture}`);
}
