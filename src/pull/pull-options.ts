import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Compression, Owners } from "../image/index.ts";

/** What every runtime and kernel reads. */
export const DEFAULT_COMPRESSION: Compression = "gzip";
/** The same for every caller, root or not. */
export const DEFAULT_OWNERS: Owners = "image";

/** Compressing threads when nobody says otherwise: more than 8 the network rarely feeds. */
export function defaultJobs(availableParallelism: number): number {
  return Math.min(availableParallelism, 8);
}

interface SpoolDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Where large layers are spooled: a directory of its own, removed afterwards. */
export async function spoolDirectory(
  tmpDirectory: string | undefined,
  fallback: string,
): Promise<SpoolDirectory> {
  if (tmpDirectory === undefined) {
    return { path: fallback, async [Symbol.asyncDispose]() {} };
  }
  const path = await mkdtemp(join(tmpDirectory, "siflet-"));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}
