import { formatSizeExactly } from "./size.ts";
import { sizeKind, type ValueKind } from "./value-kinds.ts";

/** How large the cache of converted layers may grow; both bounds hold. */
export interface CacheSize {
  /** 0 switches the cache off. */
  readonly maxBytes: number;
  /** Percent of the file system that the cache lies on; 100 where only bytes count. */
  readonly maxPercent: number;
}

/** Most bytes of the cache on a file system of `fileSystemBytes`. */
export function cacheBytes({ maxBytes, maxPercent }: CacheSize, fileSystemBytes: number): number {
  return Math.min(maxBytes, Math.floor((fileSystemBytes / 100) * maxPercent));
}

const BYTES = sizeKind({ least: 0, most: Number.MAX_SAFE_INTEGER });

export const cacheSizeKind: ValueKind<CacheSize> = {
  parse: (located) => ({ maxBytes: BYTES.parse(located), maxPercent: 100 }),
  format: ({ maxBytes, maxPercent }) =>
    maxPercent === 100
      ? BYTES.format(maxBytes)
      : `${maxPercent}% of the file system, at most ${formatSizeExactly(maxBytes)}`,
  toJson: ({ maxBytes }) => maxBytes,
};
