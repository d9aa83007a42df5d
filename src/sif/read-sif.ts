import type { ByteSource } from "../base/index.ts";
import { decodeDescriptor, DESCRIPTOR_BYTES, type SifDescriptor } from "./descriptor.ts";
import { decodeHeader, HEADER_BYTES, type SifHeader } from "./header.ts";
import { SifError } from "./sif-error.ts";

/** Slots of the largest table that is read: 9.6 MB of records. */
export const MAX_SLOTS = 16_384;

/** What a SIF file says of itself; nothing in it is authenticated. */
export interface SifMetadata {
  readonly header: SifHeader;
  /** In table order, free slots left out. File order need not be the same. */
  readonly descriptors: readonly SifDescriptor[];
  /**
   * Ids of objects that share bytes: for each object that begins inside another one, the earlier
   * one that reaches farthest, then itself. At most one pair for each object, in file order.
   */
  readonly overlaps: readonly (readonly [number, number])[];
}

/**
 * Reads the global header and the used descriptors of a SIF file: 128 B plus 585 B for each of
 * at most `MAX_SLOTS` table slots, and never the data objects. Offsets are taken from the records
 * and never derived, so files of every library version read alike.
 *
 * @param file - random-access source; offsets are bytes from the start of the file
 * @throws SifError `SIF_MAGIC` (too short, or no magic), `SIF_VERSION`, `SIF_TABLE` (table outside
 *   the file, over the header, or too long), `SIF_OBJECT` (an id that is 0 or used twice, a group
 *   or link that cannot be one, an object outside the file or over the header or table)
 * @see sif.md §1.1 to §1.4
 */
export async function readSif(file: ByteSource, signal: AbortSignal): Promise<SifMetadata> {
  signal.throwIfAborted();
  if (file.size < HEADER_BYTES) {
    throw new SifError(
      "SIF_MAGIC",
      `SIF global header: expected ${HEADER_BYTES} bytes, got a file of ${file.size}`,
    );
  }
  const header = decodeHeader(await file.read(0, HEADER_BYTES));
  checkTable(header, file.size);
  signal.throwIfAborted();
  const table = await file.read(
    header.descriptorsOffset,
    header.descriptorsTotal * DESCRIPTOR_BYTES,
  );
  signal.throwIfAborted();
  const descriptors = decodeTable(table);
  for (const descriptor of descriptors) checkRange(descriptor, header, file.size);
  return { header, descriptors, overlaps: findOverlaps(descriptors) };
}

function checkTable(header: SifHeader, fileSize: number): void {
  const { descriptorsTotal: total, descriptorsOffset: offset, descriptorsSize: size } = header;
  const refuse = (expected: string, got: string): never => {
    throw new SifError("SIF_TABLE", `SIF descriptor table: expected ${expected}, got ${got}`);
  };
  if (total > MAX_SLOTS) refuse(`at most ${MAX_SLOTS} slots`, `${total}`);
  if (total * DESCRIPTOR_BYTES > size) {
    refuse(`${total * DESCRIPTOR_BYTES} bytes for ${total} slots`, `${size}`);
  }
  if (offset < HEADER_BYTES) refuse(`an offset of at least ${HEADER_BYTES}`, `${offset}`);
  // Subtracted: the sum of two safe integers need not be one.
  if (offset > fileSize || size > fileSize - offset) {
    refuse(`it within the file's ${fileSize} bytes`, `${size} bytes at ${offset}`);
  }
}

function decodeTable(table: Uint8Array): SifDescriptor[] {
  const descriptors: SifDescriptor[] = [];
  const ids = new Set<number>();
  for (let at = 0; at < table.length; at += DESCRIPTOR_BYTES) {
    const slot = at / DESCRIPTOR_BYTES;
    const descriptor = decodeDescriptor(table.subarray(at, at + DESCRIPTOR_BYTES), slot);
    if (descriptor === undefined) continue;
    if (ids.has(descriptor.id)) {
      throw new SifError(
        "SIF_OBJECT",
        `SIF descriptor in slot ${slot}: expected an id of its own, got ${descriptor.id} again`,
      );
    }
    ids.add(descriptor.id);
    descriptors.push(descriptor);
  }
  return descriptors;
}

function checkRange(
  { id, offset, size }: SifDescriptor,
  header: SifHeader,
  fileSize: number,
): void {
  if (offset > fileSize || size > fileSize - offset) {
    throw new SifError(
      "SIF_OBJECT",
      `SIF object ${id}: expected it within the file's ${fileSize} bytes, got ${size} bytes at ${offset}`,
    );
  }
  const tableEnd = header.descriptorsOffset + header.descriptorsSize;
  const overHeader = offset < HEADER_BYTES;
  const overTable = offset < tableEnd && offset + size > header.descriptorsOffset;
  // Data that is also the header or a record would change its meaning with every edit of them.
  if (size > 0 && (overHeader || overTable)) {
    throw new SifError(
      "SIF_OBJECT",
      `SIF object ${id}: expected it clear of the header and the table, got ${size} bytes at ${offset}`,
    );
  }
}

/** One pass in file order, so that a full table of equal ranges costs no quadratic list. */
function findOverlaps(descriptors: readonly SifDescriptor[]): (readonly [number, number])[] {
  const overlaps: (readonly [number, number])[] = [];
  let farthest: SifDescriptor | undefined;
  const inFileOrder = descriptors
    .filter(({ size }) => size > 0)
    .sort((a, b) => a.offset - b.offset || a.id - b.id);
  for (const descriptor of inFileOrder) {
    if (farthest !== undefined && descriptor.offset < farthest.offset + farthest.size) {
      overlaps.push([farthest.id, descriptor.id]);
      if (descriptor.offset + descriptor.size <= farthest.offset + farthest.size) continue;
    }
    farthest = descriptor;
  }
  return overlaps;
}
