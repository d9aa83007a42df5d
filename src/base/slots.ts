import { abortError } from "../http/index.ts";

/** How many blobs, or parts of blobs, may be on their way at a time. */
export interface TransferLimits {
  /** Connections for one blob; 1: never more than one. */
  readonly perBlob: number;
  /** From one registry, whichever of its hosts deliver. */
  readonly perRegistry: number;
  readonly total: number;
}

export const DEFAULT_TRANSFERS: TransferLimits = { perBlob: 4, perRegistry: 8, total: 16 };

/** Transfers on their way, and those that wait for a place. */
export interface TransferLoad {
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly registry: string;
  readonly go: () => void;
}

/**
 * The places for transfers, given in the order in which they are asked for; who is held up by the
 * limit of one registry lets those of others pass.
 */
export class TransferSlots {
  readonly #limits: Pick<TransferLimits, "perRegistry" | "total">;
  readonly #held: Map<string, number> = new Map<string, number>();
  readonly #waiting: Set<Waiter> = new Set<Waiter>();
  #total = 0;

  constructor(limits: Pick<TransferLimits, "perRegistry" | "total">) {
    this.#limits = limits;
  }

  get load(): TransferLoad {
    return { running: this.#total, waiting: this.#waiting.size };
  }

  /**
   * Waits for a place.
   *
   * @returns to be disposed of when the transfer has ended
   * @throws AbortError
   */
  async take(registry: string, signal: AbortSignal): Promise<Disposable> {
    const free = this.takeFree(registry);
    if (free !== undefined) return free;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const waiter: Waiter = {
      registry,
      go: () => {
        resolve(undefined);
      },
    };
    const abort = (): void => {
      this.#waiting.delete(waiter);
      reject(abortError(signal));
    };
    if (signal.aborted) throw abortError(signal);
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.add(waiter);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return this.#place(registry);
  }

  /** A place, where one is free now and nobody waits for it. */
  takeFree(registry: string): Disposable | undefined {
    const isWaitedFor = [...this.#waiting].some((waiter) => waiter.registry === registry);
    if (isWaitedFor || !this.#isFree(registry)) return undefined;
    this.#count(registry, 1);
    return this.#place(registry);
  }

  #place(registry: string): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#count(registry, -1);
        this.#letGo();
      },
    };
  }

  /** Gives what is free to those that wait: counted here, before anybody else can take it. */
  #letGo(): void {
    for (const waiter of this.#waiting) {
      if (!this.#isFree(waiter.registry)) continue;
      this.#waiting.delete(waiter);
      this.#count(waiter.registry, 1);
      waiter.go();
    }
  }

  #isFree(registry: string): boolean {
    const held = this.#held.get(registry) ?? 0;
    return held < this.#limits.perRegistry && this.#total < this.#limits.total;
  }

  #count(registry: string, by: 1 | -1): void {
    const held = (this.#held.get(registry) ?? 0) + by;
    if (held === 0) this.#held.delete(registry);
    else this.#held.set(registry, held);
    this.#total += by;
  }
}
