import { open, rename, unlink } from "node:fs/promises";

/** The file system calls whose order makes publication and removal safe against a crash. */
export interface StoreFiles {
  /** Returns once the bytes of the file at `path` are on stable storage. */
  syncFile(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Returns once the entries of the directory at `path` are on stable storage. */
  syncDirectory(path: string): Promise<void>;
}

export const realFiles: StoreFiles = { syncFile: sync, rename, unlink, syncDirectory: sync };

async function sync(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
