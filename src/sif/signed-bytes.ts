import { viewOf } from "../base/index.ts";
import type { SifDescriptor } from "./descriptor.ts";
import type { SifHeader } from "./header.ts";

const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/**
 * The 61 bytes of the global header that signatures cover: launch line, magic, version and UUID; not the
 * architecture, the times, nor any count, offset or size.
 *
 * @see sif.md §1.6
 */
export function signedHeaderBytes({ bytes }: SifHeader): Uint8Array {
  return Buffer.concat([bytes.subarray(0, 45), bytes.subarray(48, 64)]);
}

/**
 * The 557 bytes of a record that signatures cover: its type, link, size, creation time, owners, name and
 * extra field, with `relativeId` in the place of its id; not the group, the offset nor the modification time.
 *
 * @param relativeId - the object's id less the smallest one of its group
 * @see sif.md §1.6
 */
export function signedDescriptorBytes({ bytes }: SifDescriptor, relativeId: number): Uint8Array {
  const relative = new Uint8Array(4);
  viewOf(relative).setUint32(0, relativeId, true);
  return Buffer.concat([
    bytes.subarray(0, 5),
    relative,
    bytes.subarray(13, 17),
    bytes.subarray(25, 33),
    bytes.subarray(41, 49),
    bytes.subarray(57),
  ]);
}

/**
 * Whether the file was made to be the same each time: nil UUID, both times not set. What is added to
 * such a file carries no time either.
 *
 * @see sif.md §1.5
 */
export function isDeterministic({ uuid, createdSeconds, modifiedSeconds }: SifHeader): boolean {
  return uuid === NIL_UUID && createdSeconds === undefined && modifiedSeconds === undefined;
}
