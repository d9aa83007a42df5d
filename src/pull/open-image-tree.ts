import { openFileSource, type ByteSource, type Limits } from "../base/index.ts";
import { FILE_SYSTEMS, primaryPartition, readSif, SifError } from "../sif/index.ts";
import type { SquashfsReader } from "../squashfs/index.ts";
import { PullError } from "./pull-error.ts";

export type { Xattr as ImageXattr } from "../layers/index.ts";
export type { SquashfsFile as ImageFile, SquashfsInode as ImageInode } from "../squashfs/index.ts";

/** The files of an image, read from its SIF; disposing closes it. */
export interface ImageTree extends AsyncDisposable {
  readonly tree: SquashfsReader;
}

/**
 * Opens the root file system of the SIF at `path` without mounting it.
 *
 * @throws SifError where the file is no sound SIF, `SIF_OBJECT` also where it has no root
 * @throws PullError `FILE_SYSTEM_UNSUPPORTED` where the root is encrypted or no squashfs
 * @throws SquashfsError, LimitError as `openSquashfs` does; system errors come as they are
 */
export async function openImageTree(
  path: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<ImageTree> {
  await using opening = new AsyncDisposableStack();
  const file = opening.use(await openFileSource(path));
  const partition = primaryPartition(await readSif(file, signal));
  if (partition === undefined) {
    const message = "expected a primary system partition, got none";
    throw new SifError("SIF_OBJECT", `${path}: ${message}`);
  }
  if (partition.fileSystem !== FILE_SYSTEMS.squashfs) {
    const got = fileSystemName(partition.fileSystem);
    const message = `expected a root file system of squashfs, got ${got}`;
    throw new PullError("FILE_SYSTEM_UNSUPPORTED", `${path}: ${message}`);
  }
  const { offset, size } = partition.descriptor;
  // Loaded here: most commands look into no image.
  const { openSquashfs } = await import("../squashfs/index.ts");
  const tree = await openSquashfs(partOf(file, offset, size), { limits }, signal);
  const opened = opening.move();
  return {
    tree,
    [Symbol.asyncDispose]: async () => {
      await opened.disposeAsync();
    },
  };
}

function fileSystemName(fileSystem: number): string {
  const known = Object.entries(FILE_SYSTEMS).find(([, number]) => number === fileSystem);
  return known?.[0] ?? `type ${fileSystem}`;
}

/** `size` bytes of `source` from `offset` on, which are there. */
function partOf(source: ByteSource, offset: number, size: number): ByteSource {
  return {
    size,
    read: async (position, length) => {
      if (position + length > size) throw new RangeError(`read past ${size} bytes of a partition`);
      return await source.read(offset + position, length);
    },
  };
}
