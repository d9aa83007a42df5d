import type { PackCache } from "../packs/index.ts";
import { isNoSpace } from "./pull-error.ts";

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
    if (!isNoSpace(error) || cache === undefined || (await cache.evict(0)) === 0) throw error;
  }
  try {
    return await work();
  } catch (error) {
    // What it kept until then would leave others no room either.
    if (isNoSpace(error)) await cache.evict(0);
    throw error;
  }
}
