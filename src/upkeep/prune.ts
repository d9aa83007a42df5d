import { assertNever } from "../base/index.ts";
import { isPinned, type Store, type StoredImage } from "../store/index.ts";

/** What to make room by; an image goes when either says so. */
export interface PruneOptions {
  /** Images that were used last before then; milliseconds since 1970. */
  readonly usedBefore?: number | undefined;
  /** Bytes of files that may stay; the least recently used images go until no more are left. */
  readonly keepBytes?: number | undefined;
  /** Images that were used then or later stay; milliseconds since 1970. */
  readonly spareUsedSince?: number | undefined;
  /** Names and patterns of images that stay. */
  readonly pins: readonly string[];
}

/** Why an image stays that would go otherwise. */
export type KeptBecause = "borrowed" | "pinned" | "recent";

export interface PrunePlan {
  /** In the order in which they go. */
  readonly remove: readonly StoredImage[];
  /** What would go, were it not for this. */
  readonly keep: readonly { readonly image: StoredImage; readonly because: KeptBecause }[];
}

/**
 * Which of `images` to remove. Files outside the store take no room in it: they are forgotten by age
 * alone.
 */
export function planPrune(images: readonly StoredImage[], options: PruneOptions): PrunePlan {
  const { usedBefore = -Infinity, keepBytes = Infinity } = options;
  const remove: StoredImage[] = [];
  const keep: { image: StoredImage; because: KeptBecause }[] = [];
  let left = images.reduce((sum, image) => sum + bytesInStore(image), 0);
  const leastUsedFirst = [...images].sort(
    (a, b) => a.lastUsedAt - b.lastUsedAt || (a.id < b.id ? -1 : 1),
  );
  for (const image of leastUsedFirst) {
    const bytes = bytesInStore(image);
    const isOver = left > keepBytes && bytes > 0;
    if (!isOver && image.lastUsedAt >= usedBefore) continue;
    const because = reasonToKeep(image, options);
    if (because === undefined) {
      remove.push(image);
      left -= bytes;
    } else {
      keep.push({ image, because });
    }
  }
  return { remove, keep };
}

function reasonToKeep(
  image: StoredImage,
  { pins, spareUsedSince = Infinity }: PruneOptions,
): KeptBecause | undefined {
  if (image.borrowers.length > 0) return "borrowed";
  if (isPinned(image, pins)) return "pinned";
  return image.lastUsedAt >= spareUsedSince ? "recent" : undefined;
}

/** What of an image lies in the store. */
export function bytesInStore({ origin, size }: StoredImage): number {
  switch (origin) {
    case "layers":
    case "sif":
      return size;
    case "local":
      return 0;
    default:
      return assertNever(origin);
  }
}

/**
 * Carries the plan out. What was borrowed, pinned or used since it was made stays.
 *
 * @returns what was removed
 */
export async function prune(
  store: Store,
  plan: PrunePlan,
  signal: AbortSignal,
): Promise<readonly StoredImage[]> {
  const removed: StoredImage[] = [];
  for (const { id, lastUsedAt } of plan.remove) {
    const image = await store.removeIdle(id, lastUsedAt + 1, signal);
    if (image !== undefined) removed.push(image);
  }
  return removed;
}
