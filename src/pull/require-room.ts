import { statfs } from "node:fs/promises";
import type { PackCache } from "../packs/index.ts";
import { PullError } from "./pull-error.ts";
import type { ResolvedImage, ResolvedLayer } from "./resolve-image.ts";

/**
 * What a layer of so many compressed bytes takes at least in its pack and in the image, as a part of
 * them: blocks of our own are rarely much smaller than what a registry keeps, and a pull that could
 * just fit is tried.
 */
const LEAST_SHARE = 0.7;

/** Where an image is to be written, and what of it is there already. */
export interface Room {
  /** On the file system that is asked. */
  readonly directory: string;
  readonly cache: Pick<PackCache, "evict"> | undefined;
  /** Whether the pack of a layer is kept there. */
  readonly isKept: (layer: ResolvedLayer) => Promise<boolean>;
  /** The image, as messages name it. */
  readonly what: string;
}

/**
 * Refuses an image that cannot fit, before anything of it is fetched. Packs give way first.
 *
 * @throws PullError `NO_SPACE`, with both numbers
 */
export async function requireRoom(image: ResolvedImage, room: Room): Promise<void> {
  const { directory, cache, what } = room;
  const needed = await leastBytes(image, room.isKept);
  if (needed <= (await freeBytes(directory))) return;
  await cache?.evict(0);
  // What was kept is gone now, and has to be made again.
  const all = await leastBytes(image, () => Promise.resolve(false));
  const free = await freeBytes(directory);
  if (all <= free) return;
  throw new PullError(
    "NO_SPACE",
    `${what}: expected at least ${all} bytes free in ${directory}, got ${free}`,
  );
}

async function leastBytes({ layers }: ResolvedImage, isKept: Room["isKept"]): Promise<number> {
  let bytes = 0;
  const distinct = new Map(layers.map((layer) => [layer.diffId, layer]));
  for (const layer of distinct.values()) {
    const { mediaType, size } = layer.descriptor;
    // How much of a plain tar is left, nobody can tell.
    if (!isCompressed(mediaType)) continue;
    const copies = (await isKept(layer)) ? 1 : 2;
    bytes += copies * size * LEAST_SHARE;
  }
  return Math.floor(bytes);
}

function isCompressed(mediaType: string): boolean {
  return /[+.](?:gzip|zstd)$/.test(mediaType);
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
