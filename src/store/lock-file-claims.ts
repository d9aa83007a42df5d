import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ClaimDriver, Held } from "./claims.ts";
import type { DatabaseClient } from "./database-client.ts";

/** How often a waiter looks: there is no way to be told. */
const POLL_MS = 100;

/**
 * Claims by locks of SQLite files, for file systems that other machines reach: a socket there
 * is known to one machine and looks dead from the others.
 */
export class LockFileClaims implements ClaimDriver {
  readonly #directory: string;
  readonly #client: DatabaseClient;

  constructor(directory: string, client: DatabaseClient) {
    this.#directory = directory;
    this.#client = client;
  }

  async tryHold(name: string, once: boolean): Promise<Held | undefined> {
    const path = join(this.#directory, `${name}.lock`);
    if (!(await this.#client.call("tryLock", { path }))) return undefined;
    return {
      release: async () => {
        await this.#client.call("unlock", { path, forget: once });
      },
    };
  }

  async waitFree(_name: string, signal: AbortSignal): Promise<void> {
    try {
      await delay(POLL_MS, undefined, { signal });
    } catch (error) {
      // The timer's own AbortError hides the reason that the caller gave.
      signal.throwIfAborted();
      throw error;
    }
  }

  /** The locks end with the thread that holds them. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
