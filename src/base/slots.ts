/** How many places there are. */
export interface SlotLimits {
  readonly perGroup: number;
  readonly total: number;
}

/** Places that are taken, and those who wait for one. */
export interface SlotLoad {
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly group: string;
  readonly go: () => void;
}

/**
 * Places for work of which only so much may go on at a time, in all and of one group, given in the order in
 * which they are asked for; who is held up by the limit of one group lets those of others pass.
 */
export class Slots {
  readonly #limits: SlotLimits;
  readonly #held: Map<string, number> = new Map<string, number>();
  readonly #waiting: Set<Waiter> = new Set<Waiter>();
  #total = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  get load(): SlotLoad {
    return { running: this.#total, waiting: this.#waiting.size };
  }

  /**
   * Waits for a place.
   *
   * @returns to be disposed of when the work has ended
   * @throws the signal's reason
   */
  async take(group: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const free = this.takeFree(group);
    if (free !== undefined) return free;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const waiter: Waiter = {
      group,
      go: () => {
        resolve(undefined);
      },
    };
    const abort = (): void => {
      // A place that was handed over meanwhile is given back by who holds it.
      if (this.#waiting.delete(waiter)) reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.add(waiter);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return this.#place(group);
  }

  /** A place, where one is free now and nobody waits for it. */
  takeFree(group: string): Disposable | undefined {
    const isWaitedFor = [...this.#waiting].some((waiter) => waiter.group === group);
    if (isWaitedFor || !this.#isFree(group)) return undefined;
    this.#count(group, 1);
    return this.#place(group);
  }

  #place(group: string): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#count(group, -1);
        this.#letGo();
      },
    };
  }

  /** Gives what is free to those that wait: counted here, before anybody else can take it. */
  #letGo(): void {
    for (const waiter of this.#waiting) {
      if (!this.#isFree(waiter.group)) continue;
      this.#waiting.delete(waiter);
      this.#count(waiter.group, 1);
      waiter.go();
    }
  }

  #isFree(group: string): boolean {
    const held = this.#held.get(group) ?? 0;
    return held < this.#limits.perGroup && this.#total < this.#limits.total;
  }

  #count(group: string, by: 1 | -1): void {
    const held = (this.#held.get(group) ?? 0) + by;
    if (held === 0) this.#held.delete(group);
    else this.#held.set(group, held);
    this.#total += by;
  }
}
