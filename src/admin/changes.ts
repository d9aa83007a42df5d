/** Wakes whoever waits for something to change. */
export class Changes {
  #waiting = new Set<() => void>();
  #count = 0;

  /** How often something has changed. */
  get count(): number {
    return this.#count;
  }

  tell(): void {
    this.#count += 1;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Returns once something has changed since `count`, or at the latest when `signal` is aborted. */
  async since(count: number, signal: AbortSignal): Promise<void> {
    if (this.#count !== count || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener("abort", wake);
  }
}
