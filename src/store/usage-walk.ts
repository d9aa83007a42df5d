import { lstatSync, opendirSync, type Dir } from "node:fs";
import { join } from "node:path";
import { allocatedBytes, isErrno } from "../base/index.ts";

/** What some entries take up. */
export interface UsagePart {
  /** Bytes on the disk; of directories their own. */
  readonly bytes: number;
  /** Files and directories. */
  readonly inodes: number;
  /** Whether these were the last ones. */
  readonly isDone: boolean;
}

/**
 * Goes through a directory and all below it, some entries at a time; what goes away meanwhile takes up
 * nothing. The names stay here: a caller who is passed 10,000 of them cannot answer anybody for so long.
 */
export class UsageWalk implements Disposable {
  /** Directories whose entries are still to be looked at. */
  readonly #directories: string[] = [];
  #root: string | undefined;
  #open: { readonly path: string; readonly entries: Dir } | undefined;

  constructor(directory: string) {
    this.#root = directory;
  }

  /**
   * @param most - entries to look at
   * @throws system errors other than that something is gone
   */
  next(most: number): UsagePart {
    let bytes = 0;
    let inodes = 0;
    for (let count = 0; count < most; count += 1) {
      const path = this.#nextPath();
      if (path === undefined) return { bytes, inodes, isDone: true };
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      bytes += allocatedBytes(stats);
      inodes += 1;
      if (stats.isDirectory()) this.#directories.push(path);
    }
    return { bytes, inodes, isDone: false };
  }

  /** The directory itself, and then whatever is below it. */
  #nextPath(): string | undefined {
    const root = this.#root;
    this.#root = undefined;
    if (root !== undefined) return root;
    for (;;) {
      this.#open ??= this.#openNext();
      if (this.#open === undefined) return undefined;
      const { path, entries } = this.#open;
      const entry = entries.readSync();
      if (entry !== null) return join(path, entry.name);
      this[Symbol.dispose]();
    }
  }

  #openNext(): { readonly path: string; readonly entries: Dir } | undefined {
    for (let path = this.#directories.pop(); path !== undefined; path = this.#directories.pop()) {
      try {
        return { path, entries: opendirSync(path, { bufferSize: 256 }) };
      } catch (error) {
        if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#open?.entries.closeSync();
    this.#open = undefined;
  }
}
