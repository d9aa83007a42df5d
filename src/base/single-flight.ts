interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** Work that many ask for at once and that is done once for all of them. */
export class SingleFlight<T> {
  readonly #flights: Map<string, Flight<T>> = new Map<string, Flight<T>>();
  readonly #running = new Set<Promise<unknown>>();

  /**
   * Waits for the work under `key`, which `start` begins unless it is under way. An abort lets go
   * of this one waiter; the work itself is aborted when nobody waits for it any longer.
   *
   * @throws the signal's reason, or what the work throws, to all who wait for it
   */
  async run(
    key: string,
    start: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, start);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => {
      aborted.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    flight.waiters += 1;
    try {
      return await Promise.race([flight.result, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
      flight.waiters -= 1;
      if (flight.waiters === 0 && this.#end(key, flight)) flight.controller.abort();
    }
  }

  /** Waits until all work has ended, that which nobody waits for any longer too. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight = { result: start(controller.signal), controller, waiters: 0 };
    this.#flights.set(key, flight);
    const { result } = flight;
    this.#running.add(result);
    const end = (): void => {
      this.#running.delete(result);
      this.#end(key, flight);
    };
    result.then(end, end);
    return flight;
  }

  /** Whether the flight was still under way. */
  #end(key: string, flight: Flight<T>): boolean {
    return this.#flights.get(key) === flight && this.#flights.delete(key);
  }
}
