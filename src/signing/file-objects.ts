import {
  DATA_TYPES,
  primaryPartition,
  type SifDescriptor,
  type SifMetadata,
} from "../sif/index.ts";

/** The objects of a file as signatures see them. */
export interface FileObjects {
  /** All but signatures, by group, each in order of its ids; groups in order of theirs. */
  readonly groups: ReadonlyMap<number, readonly SifDescriptor[]>;
  /** Neither a signature nor in a group: no signature can cover them. */
  readonly ungrouped: readonly SifDescriptor[];
  readonly signatures: readonly SifDescriptor[];
  /** Id of the partition that holds the root file system. */
  readonly primary: number | undefined;
}

/** @throws SifError `SIF_OBJECT` for more than one primary partition */
export function fileObjects(metadata: SifMetadata): FileObjects {
  const inOrder = [...metadata.descriptors].sort((a, b) => a.id - b.id);
  const isSignature = ({ dataType }: SifDescriptor): boolean => dataType === DATA_TYPES.signature;
  const objects = inOrder.filter((object) => !isSignature(object));
  const ids = new Set(objects.flatMap(({ groupId }) => groupId ?? []));
  return {
    groups: new Map(
      [...ids]
        .sort((a, b) => a - b)
        .map((id) => [id, objects.filter(({ groupId }) => groupId === id)]),
    ),
    ungrouped: objects.filter(({ groupId }) => groupId === undefined),
    signatures: inOrder.filter(isSignature),
    primary: primaryPartition(metadata)?.descriptor.id,
  };
}
