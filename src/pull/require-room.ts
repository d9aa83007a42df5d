import { stat, statfs } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
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
  readonly cache: Pick<PackCache, "directory" | "evict" | "usage"> | undefined;
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
  const holdsPacks = cache === undefined || (await areOnOneDisk(directory, cache.directory));
  const needed = await leastBytes(image, { ...room, holdsPacks });
  const free = await freeBytes(directory);
  if (needed <= free) return;
  // What is kept goes when there is need of its room, and then has to be made again.
  const all = await leastBytes(image, { isKept: () => Promise.resolve(false), holdsPacks });
  const kept = holdsPacks ? ((await cache?.usage())?.bytes ?? 0) : 0;
  if (all <= free + kept && cache !== undefined) {
    await cache.evict(0);
    if (all <= (await freeBytes(directory))) return;
  }
  throw noSpace(directory, all, free, what);
}

/**
 * Refuses a file that cannot fit, before anything of it is fetched.
 *
 * @throws PullError `NO_SPACE`, with both numbers
 */
export async function requireFreeBytes(
  directory: string,
  needed: number,
  what: string,
): Promise<void> {
  const free = await freeBytes(directory);
  if (needed > free) throw noSpace(directory, needed, free, what);
}

function noSpace(directory: string, needed: number, free: number, what: string): PullError {
  return new PullError(
    "NO_SPACE",
    `${what}: expected at least ${needed} bytes free in ${directory}, got ${free}`,
  );
}

async function areOnOneDisk(one: string, other: string): Promise<boolean> {
  try {
    return (await stat(one)).dev === (await stat(other)).dev;
  } catch (error) {
    // One that is still to be made lies, as a rule, where the other one does.
    if (isErrno(error, "ENOENT", "ENOTDIR")) return true;
    throw error;
  }
}

async function leastBytes(
  { layers }: ResolvedImage,
  { isKept, holdsPacks }: Pick<Room, "isKept"> & { readonly holdsPacks: boolean },
): Promise<number> {
  let bytes = 0;
  const distinct = new Map(layers.map((layer) => [layer.diffId, layer]));
  for (const layer of distinct.values()) {
    const { mediaType, size } = layer.descriptor;
    // How much of a plain tar is left, nobody can tell.
    if (!isCompressed(mediaType)) continue;
    const copies = !holdsPacks || (await isKept(layer)) ? 1 : 2;
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
