import { viewOf } from "../base/index.ts";
import { DESCRIPTOR_BYTES, encodeDescriptor, type SifRecord } from "./descriptor.ts";
import { UNSET_SECONDS } from "./field.ts";
import type { SifMetadata } from "./read-sif.ts";
import { isDeterministic } from "./signed-bytes.ts";
import { SifError } from "./sif-error.ts";

/** Where the fields that change stand in the header; sif.md §1.2. */
const MODIFIED_AT = 72;
const FREE_AT = 80;
const DATA_SIZE_AT = 120;

/** Bytes to be written over those at `offset`. */
export interface SifPatch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One more object of a file. */
export interface AddedObject {
  readonly record: SifRecord;
  readonly bytes: Uint8Array;
}

/** What more objects change in a file. */
export interface SifAddition {
  /** Of the objects, in their order. */
  readonly ids: readonly number[];
  /** In the order in which they are to be written: the header last. */
  readonly patches: readonly SifPatch[];
  /** Bytes of the file that are in use afterwards. */
  readonly size: number;
}

/**
 * Plans to add objects to a file, behind its last one and in its first free slots, as the reference does.
 *
 * @param nowSeconds - Unix seconds; not used in a deterministic file, whose times stay unset
 * @throws SifError `SIF_TABLE` where not enough slots are free
 * @see sif.md §1.4
 */
export function planAddition(
  { header, descriptors }: SifMetadata,
  objects: readonly AddedObject[],
  nowSeconds: bigint,
): SifAddition {
  const ids = freeIds(header.descriptorsTotal, descriptors, objects.length);
  const timeSeconds = isDeterministic(header) ? UNSET_SECONDS : nowSeconds;
  // Not the end that the header tells: what was deleted behind the last object is written over.
  let end = descriptors.reduce(
    (last, used) => Math.max(last, used.offset + used.size),
    Math.max(header.dataOffset, header.descriptorsOffset + header.descriptorsSize),
  );
  const patches = objects.flatMap(({ record, bytes }, index): readonly SifPatch[] => {
    const id = ids[index] ?? 0;
    const placement = { id, offset: end, padding: 0, size: bytes.length };
    end += bytes.length;
    const slot = header.descriptorsOffset + (id - 1) * DESCRIPTOR_BYTES;
    return [
      { offset: placement.offset, bytes },
      { offset: slot, bytes: encodeDescriptor(record, placement, timeSeconds) },
    ];
  });
  const head = header.bytes.slice();
  const view = viewOf(head);
  const free = header.descriptorsTotal - descriptors.length - objects.length;
  view.setBigInt64(MODIFIED_AT, timeSeconds, true);
  view.setBigInt64(FREE_AT, BigInt(free), true);
  view.setBigInt64(DATA_SIZE_AT, BigInt(end - header.dataOffset), true);
  return { ids, patches: [...patches, { offset: 0, bytes: head }], size: end };
}

/** The ids of the first free slots: each is the slot's place in the table and 1. */
function freeIds(
  total: number,
  descriptors: SifMetadata["descriptors"],
  wanted: number,
): readonly number[] {
  const taken = new Set(descriptors.flatMap(({ id, slot }) => [id, slot + 1]));
  const free: number[] = [];
  for (let id = 1; id <= total && free.length < wanted; id += 1) {
    if (!taken.has(id)) free.push(id);
  }
  if (free.length === wanted) return free;
  throw new SifError(
    "SIF_TABLE",
    `SIF descriptor table: expected ${wanted} free slots, got ${free.length} of ${total}`,
  );
}
