import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_COMPRESSION, DEFAULT_OWNERS } from "../config/index.ts";
import type { Compression, Owners } from "../image/index.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";

/** What to convert with: as the caller names it, else as the context has it, else the usual. */
export function conversionWish(
  options: PullOptions,
  { defaults }: PullContext,
): { readonly compression: Compression; readonly owners: Owners } {
  return {
    compression: options.compression ?? defaults?.compression ?? DEFAULT_COMPRESSION,
    owners: options.owners ?? defaults?.owners ?? DEFAULT_OWNERS,
  };
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
