/**
 * Places for conversions: each has threads and buffers of its own, so that many at once would take the
 * memory and the processors of a whole machine and none would end before all do. Given in the order in which they
 * are asked for.
 */
export class ConversionSlots {
  #free: number;
  readonly #waiting: Set<() => void> = new Set<() => void>();

  /** @param most - conversions at a time */
  constructor(most: number) {
    this.#free = most;
  }

  /**
   * Waits for a place.
   *
   * @returns to be disposed of when the conversion has ended
   * @throws the signal's reason
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#place();
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const go = (): void => {
      resolve(undefined);
    };
    const abort = (): void => {
      // A place that was handed over meanwhile is given back by who holds it.
      if (this.#waiting.delete(go)) reject(signal.reason as Error);
    };
    this.#waiting.add(go);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return this.#place();
  }

  #place(): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#giveBack();
      },
    };
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
