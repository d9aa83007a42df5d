import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { clearAway } from "../base/index.ts";
import { DEFAULT_PROFILE } from "../config/index.ts";
import type { ProfileChoice, ProfileWish } from "../image/index.ts";
import type { PullContext } from "./pull-context.ts";
import { outputError } from "./pull-error.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";

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

/**
 * Where large layers are spooled: a directory of its own, removed afterwards.
 *
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function spoolDirectory(
  tmpDirectory: string | undefined,
  fallback: string,
): Promise<ScratchDirectory> {
  if (tmpDirectory === undefined) {
    return { path: fallback, async [Symbol.asyncDispose]() {} };
  }
  return await ownDirectory(tmpDirectory);
}

/**
 * A directory of its own in `parent`, removed afterwards with what is in it.
 *
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function ownDirectory(parent: string): Promise<ScratchDirectory> {
  const path = await makeIn(parent);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await clearAway(path);
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
