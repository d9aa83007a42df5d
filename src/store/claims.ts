import { createHash } from "node:crypto";
import { waitFor } from "./wait-for.ts";

/** The exclusive right to a key; disposing of it gives it back. */
export type Claim = AsyncDisposable;

/** A key held against every other process and thread that uses the store. */
export interface Held {
  release(): Promise<void>;
}

/** How processes exclude each other: by sockets or by lock files. */
export interface ClaimDriver {
  /**
   * Takes `name` where it is free, without waiting for a live holder.
   *
   * @param once - nobody will use the name again after its release, so nothing need be kept of it
   */
  tryHold(name: string, once: boolean): Promise<Held | undefined>;
  /** Waits until it may be worth trying again. @throws the signal's reason when aborted */
  waitFree(name: string, signal: AbortSignal): Promise<void>;
  /** Frees what the driver itself uses; what is held by then is released. */
  close(): Promise<void>;
}

/**
 * Claims of one store object. Callers of one process queue up in memory, in order of arrival, and
 * only the first of them competes with other processes.
 */
export class Claims {
  readonly #driver: ClaimDriver;
  /** Who waits for each key that is taken here; empty while only its holder is here. */
  readonly #queues = new Map<string, (() => void)[]>();

  constructor(driver: ClaimDriver) {
    this.#driver = driver;
  }

  /**
   * Waits until no one else holds `key`, in whatever process, and takes it.
   *
   * @throws the signal's reason when aborted, StoreError when the store's files cannot be used
   */
  async claim(
    key: string,
    signal: AbortSignal,
    options: { readonly once?: boolean } = {},
  ): Promise<Claim> {
    await this.#enter(key, signal);
    try {
      const name = claimName(key);
      while (true) {
        signal.throwIfAborted();
        const held = await this.#driver.tryHold(name, options.once ?? false);
        if (held !== undefined) return this.#claimOf(key, held);
        await this.#driver.waitFree(name, signal);
      }
    } catch (error) {
      this.#leave(key);
      throw error;
    }
  }

  /** As `claim`, but undefined where someone holds the key. */
  async tryClaim(
    key: string,
    options: { readonly once?: boolean } = {},
  ): Promise<Claim | undefined> {
    if (this.#queues.has(key)) return undefined;
    this.#queues.set(key, []);
    try {
      const held = await this.#driver.tryHold(claimName(key), options.once ?? false);
      if (held !== undefined) return this.#claimOf(key, held);
    } catch (error) {
      this.#leave(key);
      throw error;
    }
    this.#leave(key);
    return undefined;
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }

  #claimOf(key: string, held: Held): Claim {
    let released: Promise<void> | undefined;
    return {
      [Symbol.asyncDispose]: async () => {
        released ??= held.release().finally(() => {
          this.#leave(key);
        });
        await released;
      },
    };
  }

  async #enter(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#queues.set(key, []);
      return;
    }
    await waitFor((resolve) => {
      queue.push(resolve);
      return () => {
        queue.splice(queue.indexOf(resolve), 1);
      };
    }, signal);
  }

  #leave(key: string): void {
    const next = this.#queues.get(key)?.shift();
    if (next === undefined) this.#queues.delete(key);
    else next();
  }
}

/** Keys are texts of any length and kind; names are short enough for a socket's path. */
function claimName(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}
