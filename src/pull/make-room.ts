import { CodedError } from "../base/index.ts";
import type { PackCache } from "../packs/index.ts";

/**
 * Does `work`, and where there is no room for it gives up all packs and does it once more, before it
 * gives up itself.
 */
export async function inRoom<Result>(
  cache: Pick<PackCache, "evict"> | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isFull = error instanceof CodedError && error.code === "NO_SPACE";
    if (!isFull || cache === undefined || (await cache.evict(0)) === 0) throw error;
    return await work();
  }
}
