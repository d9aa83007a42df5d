import { randomBytes } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** Makes a file in `directory` that goes with the process, whatever ends it. System errors come as they are. */
export async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, `spool-${randomBytes(6).toString("hex")}`);
  const file = await open(path, "wx+", 0o600);
  try {
    await rm(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
