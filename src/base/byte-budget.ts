/** Index of the count in the shared array. */
const COUNT = 0;

/**
 * Counts the bytes that one conversion holds in buffers, over all its threads. Stages whose buffers
 * are few and bounded by themselves `add` without waiting, so that what is under way always ends;
 * what can grow with the image waits in `acquire` until there is room.
 */
export class ByteBudget {
  /** What a thread is given to count with the others. */
  readonly shared: SharedArrayBuffer;
  readonly #counter: Int32Array;
  readonly #capacity: number;

  constructor(capacity: number, shared: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.#capacity = capacity;
    this.shared = shared;
    this.#counter = new Int32Array(shared);
  }

  get used(): number {
    return Atomics.load(this.#counter, COUNT);
  }

  /** Counts `bytes` at once, also past the capacity. */
  add(bytes: number): void {
    Atomics.add(this.#counter, COUNT, bytes);
  }

  release(bytes: number): void {
    Atomics.sub(this.#counter, COUNT, bytes);
    Atomics.notify(this.#counter, COUNT);
  }

  /** Counts `bytes` when they fit; what is larger than all there is waits until nothing is used. */
  async acquire(bytes: number, signal: AbortSignal): Promise<void> {
    while (true) {
      signal.throwIfAborted();
      const used = Atomics.load(this.#counter, COUNT);
      if (used <= 0 || used + bytes <= this.#capacity) {
        if (Atomics.compareExchange(this.#counter, COUNT, used, used + bytes) === used) return;
        continue;
      }
      await changed(this.#counter, used, signal);
    }
  }
}

/** Waits until the count is no longer `used`, or the signal is aborted. */
async function changed(counter: Int32Array, used: number, signal: AbortSignal): Promise<void> {
  const wait = Atomics.waitAsync(counter, COUNT, used);
  if (!wait.async) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => {
    resolve(undefined);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([wait.value, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
