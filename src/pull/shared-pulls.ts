import { createHash } from "node:crypto";
import { SingleFlight } from "../base/index.ts";
import { formatPlatform, KnownCodecs, storeNamesOf } from "../image/index.ts";
import type { Credentials } from "../registry/index.ts";
import type { Store, StoredImage } from "../store/index.ts";
import { ConversionSlots } from "./conversion-slots.ts";
import { GuardedListener } from "./guarded-listener.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import type { OnPullEvent, PullEvent } from "./pull-events.ts";
import { pullToStore } from "./pull-to-store.ts";
import { platformOf } from "./resolve-and-tell.ts";

/**
 * Conversions at a time: enough that a slow source does not hold up the others. 40 at once took 3 GB and 133
 * threads on two processors, 4 take a sixth of both.
 */
const MOST_CONVERSIONS = 4;

/** Is told of one pull, once for all who share it. It must not throw, and return at once. */
export interface PullWatcher {
  readonly onEvent: OnPullEvent;
  /** @param error - what it failed with; undefined where it did not */
  readonly ended: (error: unknown) => void;
}

/**
 * Pulls into one store, of which those of the same name that are asked for at once are one: it is
 * fetched and converted once, an abort lets go of one caller alone, and the last one that leaves stops
 * the work. Of all others, some convert at a time. Other processes are kept apart by the store's claims.
 */
export class SharedPulls {
  readonly #store: Store;
  readonly #watch: ((reference: string) => PullWatcher) | undefined;
  readonly #conversions = new ConversionSlots(MOST_CONVERSIONS);
  readonly #codecs = new KnownCodecs();
  readonly #flights = new SingleFlight<StoredImage>();
  /** Of the work that can be joined. */
  readonly #listeners = new Map<string, Listeners>();
  /** Whoever is let in by other credentials may see another image. */
  readonly #callers = new WeakMap<Credentials, number>();
  #lastCaller = 0;

  /** @param watch - is called for each pull that begins */
  constructor(store: Store, watch?: (reference: string) => PullWatcher) {
    this.#store = store;
    this.#watch = watch;
  }

  /**
   * As `pullToStore`. Whoever joins later is told first what the others were told of the image and of
   * what was wrong. A listener that throws ends the wait of its own caller, with what it threw.
   *
   * @param context - the same for all pulls that may be one, its credentials included
   */
  async pull(
    reference: string,
    context: PullContext,
    options: PullOptions,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const key = JSON.stringify([this.#callerOf(options), keyOf(reference, context, options)]);
    const listener = new GuardedListener(options.onEvent);
    const pulled = this.#flights.run(
      key,
      async (stop) => {
        const watcher = this.#watch?.(reference);
        const listeners = new Listeners(watcher);
        this.#listeners.set(key, listeners);
        const bounded = { ...context, conversions: this.#conversions, codecs: this.#codecs };
        const shared = { ...options, onEvent: listeners.onEvent };
        try {
          const image = await pullToStore(this.#store, reference, bounded, shared, stop);
          watcher?.ended(undefined);
          return image;
        } catch (error) {
          watcher?.ended(error);
          throw error;
        }
      },
      AbortSignal.any([signal, listener.signal]),
    );
    // Those of the work that was joined just now, or has begun.
    const listeners = this.#listeners.get(key);
    listeners?.add(listener);
    try {
      return await pulled;
    } finally {
      listeners?.remove(listener);
      if (listeners?.isEmpty === true && this.#listeners.get(key) === listeners) {
        this.#listeners.delete(key);
      }
    }
  }

  /** The same number for the same credentials; 0 for those of the context. */
  #callerOf({ credentials }: PullOptions): number {
    if (credentials === undefined) return 0;
    const known = this.#callers.get(credentials);
    if (known !== undefined) return known;
    this.#lastCaller += 1;
    this.#callers.set(credentials, this.#lastCaller);
    return this.#lastCaller;
  }

  /** Waits until everything has ended that was stopped. */
  async settled(): Promise<void> {
    await this.#flights.settled();
  }
}

/** Pulls of one key make the same image in the same way. */
function keyOf(reference: string, context: PullContext, options: PullOptions): string {
  const names = storeNamesOf(reference);
  const { compression, owners, layout, jobs, tmpDirectory, cache, names: given } = options;
  const { libraryToken: token } = options;
  return JSON.stringify([
    token === undefined ? null : sha256(token.secret.reveal()),
    names.length === 0 ? reference : names,
    formatPlatform(platformOf(options, context)),
    [compression, owners, layout],
    [jobs, tmpDirectory, cache],
    given ?? null,
  ]);
}

/** So that no map has a secret for a key. */
function sha256(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Who listens to one pull. */
class Listeners {
  readonly #watcher: PullWatcher | undefined;
  readonly #all = new Set<GuardedListener>();
  readonly #kept: PullEvent[] = [];

  constructor(watcher: PullWatcher | undefined) {
    this.#watcher = watcher;
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  readonly onEvent: OnPullEvent = (event) => {
    // What comes without end is only told while it is new.
    if (event.kind === "resolved" || event.kind === "warning") this.#kept.push(event);
    this.#watcher?.onEvent(event);
    for (const listener of [...this.#all]) listener.onEvent(event);
  };

  add(listener: GuardedListener): void {
    this.#all.add(listener);
    for (const event of this.#kept) listener.onEvent(event);
  }

  remove(listener: GuardedListener): void {
    this.#all.delete(listener);
  }
}
