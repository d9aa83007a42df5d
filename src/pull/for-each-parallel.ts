/**
 * Runs `work` for every item, at most `most` at a time, in the items' order of starting. The first
 * failure aborts the signal that the others got; all of them have ended before it is thrown.
 */
export async function forEachParallel<Item>(
  items: Iterable<Item>,
  most: number,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      if (both.aborted) return;
      try {
        await work(next.value, both);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
}
