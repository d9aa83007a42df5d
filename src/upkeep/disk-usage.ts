import { readdir, lstat, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { allocatedBytes, isErrno } from "../base/index.ts";
import type { PackCache } from "../packs/index.ts";
import { partialsDirectory } from "../pull/index.ts";
import { storeFailure, type Store, type StoreTraits } from "../store/index.ts";

/** Files of one kind. Bytes are those that they take up on the disk. */
export interface Usage {
  readonly files: number;
  readonly bytes: number;
}

/** What a store takes up, and the file system that it lies on. */
export interface DiskUsage {
  readonly directory: string;
  readonly traits: StoreTraits;
  /** SIF files. */
  readonly images: Usage;
  /** Converted layers, wherever they are kept. */
  readonly packs: Usage;
  /** What pulls are writing, or had begun. */
  readonly partials: Usage;
  /** The database and what belongs to it. */
  readonly database: Usage;
  readonly fileSystem: {
    /** Bytes. */
    readonly size: number;
    /** Bytes that we may still use. */
    readonly available: number;
    /** Files that can still be made; 0 where the file system does not count them. */
    readonly availableFiles: number;
  };
}

/** @throws StoreError `STORE_UNAVAILABLE` */
export async function diskUsage(store: Store, packs: PackCache): Promise<DiskUsage> {
  const { directory, traits } = store;
  const partials = partialsDirectory(packs.directory);
  try {
    const { blocks, bsize, bavail, ffree } = await statfs(directory);
    return {
      directory,
      traits,
      images: await usageOf(join(directory, "images")),
      packs: await usageOf(packs.directory, (name) => name !== basename(partials)),
      partials: sum(await usageOf(join(directory, "tmp")), await usageOf(partials)),
      database: await usageOf(directory, (name) => name.startsWith("siflet.db")),
      fileSystem: { size: blocks * bsize, available: bavail * bsize, availableFiles: ffree },
    };
  } catch (error) {
    throw storeFailure(error, directory);
  }
}

function sum(a: Usage, b: Usage): Usage {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

/**
 * What is below `directory`, or those of its files that `counts` takes. What goes away meanwhile is
 * not counted.
 */
async function usageOf(directory: string, counts?: (name: string) => boolean): Promise<Usage> {
  let files = 0;
  let bytes = 0;
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name);
    if (counts !== undefined && !counts(entry.name)) continue;
    if (entry.isDirectory()) {
      const below = await usageOf(path);
      files += below.files;
      bytes += below.bytes;
    } else {
      const allocated = await allocatedBytesOf(path);
      if (allocated === undefined) continue;
      files += 1;
      bytes += allocated;
    }
  }
  return { files, bytes };
}

async function entriesOf(directory: string): Promise<Awaited<ReturnType<typeof readEntries>>> {
  try {
    return await readEntries(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "EACCES")) return [];
    throw error;
  }
}

async function readEntries(directory: string) {
  return await readdir(directory, { withFileTypes: true });
}

async function allocatedBytesOf(path: string): Promise<number | undefined> {
  try {
    return allocatedBytes(await lstat(path));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
