import type { PackCache } from "../packs/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import { bytesInStore, planPrune, prune } from "./prune.ts";

/** When images go by themselves, in the words of the kubelet's own collection. */
export interface CollectionPolicy {
  /** Images that nobody used for so long go; absent: none goes for its age. */
  readonly maxAgeMs?: number | undefined;
  /** Above so many percent of the file system room is made; absent: it is never made. */
  readonly highPercent?: number | undefined;
  /** Room is made until no more are used. */
  readonly lowPercent: number;
  /** What was used since then stays in any case: a pod that is about to start needs it. */
  readonly minAgeMs: number;
}

export interface CollectOptions {
  readonly policy: CollectionPolicy;
  /** Converted layers in the same file system, which go first; absent: there are none. */
  readonly cache?: Pick<PackCache, "evict" | "usage"> | undefined;
  /** Names and patterns of images that stay. */
  readonly pins: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The file system of the store, in bytes: its size, and what may still be written. */
  readonly space: () => Promise<{ readonly size: number; readonly available: number }>;
}

/** What went. */
export interface Collection {
  readonly images: readonly StoredImage[];
  /** Of converted layers. */
  readonly packBytes: number;
  /** Bytes that are still to go, and cannot: what is left is used, pinned or recent. */
  readonly missingBytes: number;
}

/**
 * Makes room by policy: first goes what is too old, then, where the file system is too full, converted
 * layers, which only cost time, and then images, the one used last of all last. What is borrowed,
 * pinned or was used lately stays.
 *
 * @throws StoreError; the signal's reason
 */
export async function collectGarbage(
  store: Store,
  { policy, cache, pins, now, space }: CollectOptions,
  signal: AbortSignal,
): Promise<Collection> {
  const { maxAgeMs, minAgeMs } = policy;
  const common = { pins, spareUsedSince: now - minAgeMs };
  const images: StoredImage[] = [];
  if (maxAgeMs !== undefined) {
    const old = planPrune(await store.list(), { ...common, usedBefore: now - maxAgeMs });
    images.push(...(await prune(store, old, signal)));
  }
  const excess = excessBytes(await space(), policy);
  if (excess === 0) return { images, packBytes: 0, missingBytes: 0 };
  signal.throwIfAborted();
  const packBytes = await evicted(cache, excess);
  const wanted = excess - packBytes;
  if (wanted <= 0) return { images, packBytes, missingBytes: 0 };
  const left = await store.list();
  const keepBytes = Math.max(0, left.reduce((sum, image) => sum + bytesInStore(image), 0) - wanted);
  const removed = await prune(store, planPrune(left, { ...common, keepBytes }), signal);
  const freed = removed.reduce((sum, image) => sum + bytesInStore(image), 0);
  return {
    images: [...images, ...removed],
    packBytes,
    missingBytes: Math.max(0, wanted - freed),
  };
}

/** Bytes that have to go: 0 where the file system is not too full. */
function excessBytes(
  { size, available }: { readonly size: number; readonly available: number },
  { highPercent, lowPercent }: CollectionPolicy,
): number {
  const used = size - available;
  if (highPercent === undefined || used * 100 < size * highPercent) return 0;
  return Math.max(0, Math.ceil(used - (size * lowPercent) / 100));
}

async function evicted(cache: CollectOptions["cache"], bytes: number): Promise<number> {
  if (cache === undefined) return 0;
  const { bytes: kept } = await cache.usage();
  return await cache.evict(Math.max(0, kept - bytes));
}
