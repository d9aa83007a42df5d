import { SingleFlight } from "../base/index.ts";
import { formatPlatform } from "../image/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import { storeNamesOf } from "./info-of.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import type { OnPullEvent, PullEvent } from "./pull-events.ts";
import { pullToStore } from "./pull-to-store.ts";
import { platformOf } from "./resolve-and-tell.ts";

/**
 * Pulls into one store, of which those of the same name that are asked for at once are one: it is
 * fetched and converted once, an abort lets go of one caller alone, and the last one that leaves stops
 * the work. Other processes are kept apart by the store's claims.
 */
export class SharedPulls {
  readonly #store: Store;
  readonly #flights = new SingleFlight<StoredImage>();
  readonly #listeners = new Map<string, Listeners>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * As `pullToStore`. Whoever joins later is told first what the others were told of the image and of
   * what was wrong.
   *
   * @param context - the same for all pulls that may be one, credentials included
   */
  async pull(
    reference: string,
    context: PullContext,
    options: PullOptions,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const key = keyOf(reference, context, options);
    const listeners = this.#listeners.get(key) ?? new Listeners();
    this.#listeners.set(key, listeners);
    try {
      listeners.add(options.onEvent);
      return await this.#flights.run(
        key,
        async (stop) => {
          const shared = { ...options, onEvent: listeners.onEvent };
          return await pullToStore(this.#store, reference, context, shared, stop);
        },
        signal,
      );
    } finally {
      listeners.remove(options.onEvent);
      if (listeners.isEmpty) this.#listeners.delete(key);
    }
  }

  /** Waits until everything has ended that was stopped. */
  async settled(): Promise<void> {
    await this.#flights.settled();
  }
}

/** Pulls of one key make the same image in the same way. */
function keyOf(reference: string, context: PullContext, options: PullOptions): string {
  const names = storeNamesOf(reference);
  const { compression, owners, layout, jobs, tmpDirectory, cache } = options;
  return JSON.stringify([
    names.length === 0 ? reference : names,
    formatPlatform(platformOf(options, context)),
    [compression, owners, layout],
    [jobs, tmpDirectory, cache],
  ]);
}

/** Who listens to one pull. */
class Listeners {
  readonly #all: OnPullEvent[] = [];
  readonly #kept: PullEvent[] = [];

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  readonly onEvent: OnPullEvent = (event) => {
    // What comes without end is only told while it is new.
    if (event.kind === "resolved" || event.kind === "warning") this.#kept.push(event);
    for (const listener of [...this.#all]) listener(event);
  };

  add(listener: OnPullEvent): void {
    this.#all.push(listener);
    for (const event of this.#kept) listener(event);
  }

  remove(listener: OnPullEvent): void {
    const index = this.#all.indexOf(listener);
    if (index >= 0) this.#all.splice(index, 1);
  }
}
