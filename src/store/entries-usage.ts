import { lstatSync } from "node:fs";
import { join } from "node:path";
import { allocatedBytes } from "../base/index.ts";

/** What entries of a directory take up. */
export interface EntriesUsage {
  /** Bytes on the disk; of directories their own, without what is in them. */
  readonly bytes: number;
  readonly inodes: number;
  /** Those of the names that are directories. */
  readonly directories: readonly string[];
}

/** What is on the disk under each of `names` in `directory`; what is gone by now takes up nothing. */
export function entriesUsage(directory: string, names: readonly string[]): EntriesUsage {
  let bytes = 0;
  let inodes = 0;
  const directories: string[] = [];
  for (const name of names) {
    const stats = lstatSync(join(directory, name), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    bytes += allocatedBytes(stats);
    inodes += 1;
    if (stats.isDirectory()) directories.push(name);
  }
  return { bytes, inodes, directories };
}
