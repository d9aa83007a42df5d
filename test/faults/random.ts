/** Numbers of 0 to 1 that look random and are always the same (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many of `items`, one of each equal stretch of them; the same ones for the same seed. */
export function sample<Item>(items: readonly Item[], most: number, seed: number): readonly Item[] {
  if (items.length <= most) return items;
  const next = random(seed);
  return Array.from({ length: most }, (_, index) => {
    const at = Math.floor(((index + next()) * items.length) / most);
    return items.slice(at, at + 1);
  }).flat();
}
