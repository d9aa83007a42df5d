import { viewOf } from "../base/index.ts";
import type { SifArchitecture } from "./architecture.ts";
import { DATA_TYPES, type SifDescriptor } from "./descriptor.ts";
import { putText, textOf } from "./field.ts";
import type { SifMetadata } from "./read-sif.ts";
import { SifError } from "./sif-error.ts";

/** Values of a partition's file system type; sif.md §1.3. */
export const FILE_SYSTEMS = {
  squashfs: 1,
  ext3: 2,
  archive: 3,
  raw: 4,
  encryptedSquashfs: 5,
  gocryptfsSquashfs: 6,
} as const;

/** Values of a partition's type; sif.md §1.3. */
export const PARTITION_TYPES = { system: 1, primarySystem: 2, data: 3, overlay: 4 } as const;

const EXTRA_BYTES = 11;

/** What a partition says of itself. */
export interface SifPartition {
  /** One of `FILE_SYSTEMS`, or a number that we do not know. */
  readonly fileSystem: number;
  /** One of `PARTITION_TYPES`, or a number that we do not know. */
  readonly partitionType: number;
  /** Two digits, of those that `goArchCode` gives or not. */
  readonly architecture: string;
}

/** The extra field of a partition: int32 file system, int32 type, 3-byte architecture. */
export function partitionExtra(
  partition: SifPartition & { readonly architecture: SifArchitecture },
): Uint8Array {
  const bytes = new Uint8Array(EXTRA_BYTES);
  const view = viewOf(bytes);
  view.setInt32(0, partition.fileSystem, true);
  view.setInt32(4, partition.partitionType, true);
  putText(bytes.subarray(8), partition.architecture, "architecture");
  return bytes;
}

/** Reads the extra field of a partition, 11 bytes or more. */
export function partitionOf(extra: Uint8Array): SifPartition {
  const view = viewOf(extra);
  return {
    fileSystem: view.getInt32(0, true),
    partitionType: view.getInt32(4, true),
    architecture: textOf(extra.subarray(8, EXTRA_BYTES)),
  };
}

/**
 * The partition that holds the root file system, with its descriptor; undefined where there is none.
 *
 * @throws SifError `SIF_OBJECT` when more than one claims to be it: readers would take different ones
 */
export function primaryPartition(
  metadata: SifMetadata,
): (SifPartition & { readonly descriptor: SifDescriptor }) | undefined {
  const found = metadata.descriptors
    .filter(({ dataType }) => dataType === DATA_TYPES.partition)
    .map((descriptor) => ({ ...partitionOf(descriptor.extra), descriptor }))
    .filter(({ partitionType }) => partitionType === PARTITION_TYPES.primarySystem);
  if (found.length <= 1) return found[0];
  const ids = found.map(({ descriptor }) => descriptor.id).slice(0, 10);
  throw new SifError(
    "SIF_OBJECT",
    `SIF: expected at most one primary system partition, got objects ${ids.join(", ")}`,
  );
}
