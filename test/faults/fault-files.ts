import { open, rename, unlink } from "node:fs/promises";
import type { StoreFiles } from "../../src/store/index.ts";

/** One call of the store to the file system. */
export interface FileCall {
  /** Counts from 0, over all kinds of calls. */
  readonly index: number;
  readonly name: keyof StoreFiles;
}

/** What becomes of a call: it may throw instead of the call, or end the process before or after it. */
export interface FileFault {
  before?(call: FileCall): void;
  after?(call: FileCall): void;
}

/** The real calls, each announced to `fault`. */
export function faultyFiles(fault: FileFault): StoreFiles {
  let count = 0;
  const around = async (name: keyof StoreFiles, work: () => Promise<void>): Promise<void> => {
    const call = { index: count, name };
    count += 1;
    fault.before?.(call);
    await work();
    fault.after?.(call);
  };
  return {
    syncFile: async (path) => {
      await around("syncFile", async () => {
        await sync(path);
      });
    },
    rename: async (from, to) => {
      await around("rename", async () => {
        await rename(from, to);
      });
    },
    unlink: async (path) => {
      await around("unlink", async () => {
        await unlink(path);
      });
    },
    syncDirectory: async (path) => {
      await around("syncDirectory", async () => {
        await sync(path);
      });
    },
  };
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
