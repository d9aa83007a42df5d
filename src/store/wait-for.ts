/**
 * Waits until `start`'s argument is called, or rejects with the signal's reason.
 *
 * @param start - begins the wait and returns what ends it early; that is called on an abort only
 */
export async function waitFor(
  start: (resolve: () => void, reject: (error: unknown) => void) => () => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const stop = start(() => {
    resolve(undefined);
  }, reject);
  const onAbort = (): void => {
    stop();
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
