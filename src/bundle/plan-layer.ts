import { BundleError } from "./bundle-error.ts";
import type { PlannedMount } from "./container-mounts.ts";
import type { ImageLook, ImagePlace } from "./image-look.ts";
import type { Machine } from "./machine.ts";
import { findMissing } from "./missing-places.ts";
import type { MountWays } from "./mount-way.ts";
import { waysToMountOverlay, type OverlayKind } from "./overlay.ts";
import type { Rights } from "./rights.ts";
import type { RuntimeMount } from "./runtime-config.ts";

/** What lies over the image. */
export interface LayerPlan {
  readonly ways: MountWays<OverlayKind>;
  /** The image's root directory, whose place it takes. */
  readonly root: ImagePlace;
}

/** What a layer may be needed for. */
export interface LayerNeed {
  readonly isWritable: boolean;
  readonly mounts: readonly PlannedMount[];
  /** Where the process starts. */
  readonly cwd: string;
}

/** The mounts of a container, with a layer over its image where there has to be one. */
export interface LayeredMounts {
  readonly mounts: readonly RuntimeMount[];
  readonly layer?: LayerPlan;
  /** Destinations of mounts that the container does without. */
  readonly leftOut: readonly string[];
}

/**
 * Plans a layer over the image where that is to be written, or has no place for a mount: the runtime
 * then makes one, in the layer.
 *
 * @throws BundleError `BUNDLE_OVERLAY` where there has to be one and cannot
 */
export async function planLayer(
  need: LayerNeed,
  look: ImageLook,
  machine: Machine,
  rights: Rights,
): Promise<LayeredMounts> {
  const { isWritable, cwd } = need;
  const missing = await findMissing(need.mounts, cwd, look);
  const isNeeded = isWritable || missing.needed.length > 0;
  const mounts = need.mounts.map(({ mount }) => mount);
  if (!isNeeded && missing.optional.length === 0) return { mounts, leftOut: [] };
  const ways = await waysToMountOverlay(machine, rights);
  if (ways.ways.length > 0) {
    const root = await look.find("/");
    if (root === undefined) throw new Error("an image without a root");
    return { mounts, layer: { ways, root }, leftOut: [] };
  }
  if (!isNeeded) {
    const leftOut = missing.optional;
    return { mounts: mounts.filter((mount) => !leftOut.includes(mount.destination)), leftOut };
  }
  const why = isWritable ? "--writable" : `the image has no ${missing.needed.join(", ")}, and so`;
  const message = `${why} needs a layer over the image, which cannot be mounted here`;
  throw new BundleError("BUNDLE_OVERLAY", `${message}: ${ways.obstacles.join("; ")}`);
}
