import { isWithin, type PlannedMount } from "./container-mounts.ts";
import type { ImageLook } from "./image-look.ts";

/** Paths that a container needs and its image does not have. */
export interface MissingPlaces {
  /** Without these it does not start as it was asked for. */
  readonly needed: readonly string[];
  /** Mounts that can be left out. */
  readonly optional: readonly string[];
}

/**
 * Looks for the mount points, and the directory where the process starts, that a runtime would have to
 * make: what is within an earlier mount is made there.
 */
export async function findMissing(
  mounts: readonly PlannedMount[],
  workdir: string,
  look: ImageLook,
): Promise<MissingPlaces> {
  const needed: string[] = [];
  const optional: string[] = [];
  const covered: string[] = [];
  for (const { mount, isOptional } of mounts) {
    const { destination } = mount;
    if (!(await isThere(destination, covered, look))) {
      (isOptional ? optional : needed).push(destination);
    }
    covered.push(destination);
  }
  if (!(await isThere(workdir, covered, look))) needed.push(workdir);
  return { needed, optional };
}

async function isThere(
  path: string,
  covered: readonly string[],
  look: ImageLook,
): Promise<boolean> {
  if (covered.some((above) => isWithin(path, above))) return true;
  return (await look.find(path)) !== undefined;
}
