import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_PROFILE } from "../config/index.ts";
import type { ProfileChoice, ProfileWish } from "../image/index.ts";
import type { PullContext } from "./pull-context.ts";
import { outputError } from "./pull-error.ts";

/** What to convert with: as the caller names it, else as the context has it, else the usual. */
export function conversionChoice(
  wish: ProfileWish,
  { defaults = DEFAULT_PROFILE }: Pick<PullContext, "defaults">,
): ProfileChoice {
  return {
    compression: wish.compression ?? defaults.compression,
    owners: wish.owners ?? defaults.owners,
    layout: wish.layout ?? defaults.layout,
  };
}

interface SpoolDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Where large layers are spooled: a directory of its own, removed afterwards.
 *
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function spoolDirectory(
  tmpDirectory: string | undefined,
  fallback: string,
): Promise<SpoolDirectory> {
  if (tmpDirectory === undefined) {
    return { path: fallback, async [Symbol.asyncDispose]() {} };
  }
  const path = await makeIn(tmpDirectory);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function makeIn(directory: string): Promise<string> {
  try {
    return await mkdtemp(join(directory, "siflet-"));
  } catch (error) {
    throw outputError(directory, error);
  }
}
