import { openFileSource } from "../base/index.ts";
import { primaryPartition, readSif } from "../sif/index.ts";

/** Where the root file system lies in a SIF, in bytes. */
export interface PartitionPlace {
  readonly offset: number;
  readonly size: number;
}

/**
 * Finds the primary system partition of the SIF at `path`.
 *
 * @throws SifError when the file is no sound SIF; undefined when it has no such partition
 */
export async function findPartition(
  path: string,
  signal: AbortSignal,
): Promise<PartitionPlace | undefined> {
  await using file = await openFileSource(path);
  const partition = primaryPartition(await readSif(file, signal));
  if (partition === undefined) return undefined;
  return { offset: partition.descriptor.offset, size: partition.descriptor.size };
}
