import { openFileSource } from "../base/index.ts";
import { FILE_SYSTEMS, goArchName, primaryPartition, readSif, SifError } from "../sif/index.ts";
import type { CompressorName } from "../squashfs/index.ts";

/** As much of a partition as names its compressor. */
const HEAD_BYTES = 96;

/** What a runtime has to know in order to mount the root file system of a SIF. */
export interface RootFileSystem {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly kind: "squashfs" | "other";
  /** Of a squashfs; absent where it names none that is known. */
  readonly compressor?: CompressorName;
  /** As Go calls it: `amd64`; absent where the file does not say. */
  readonly architecture?: string;
}

/**
 * Finds the root file system of the SIF at `path`.
 *
 * @throws SifError when the file is no sound SIF, or has no primary system partition; system errors as they are
 */
export async function rootFileSystem(path: string, signal: AbortSignal): Promise<RootFileSystem> {
  await using file = await openFileSource(path);
  const partition = primaryPartition(await readSif(file, signal));
  if (partition === undefined) {
    throw new SifError("SIF_OBJECT", `${path}: expected a primary system partition, got none`);
  }
  const { offset, size } = partition.descriptor;
  const { compressorName } = await import("../squashfs/index.ts");
  const compressor = compressorName(await file.read(offset, Math.min(HEAD_BYTES, size)));
  const architecture = goArchName(partition.architecture);
  return {
    offset,
    size,
    kind: partition.fileSystem === FILE_SYSTEMS.squashfs ? "squashfs" : "other",
    ...(compressor === undefined ? {} : { compressor }),
    ...(architecture === undefined ? {} : { architecture }),
  };
}
