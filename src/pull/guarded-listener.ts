import type { OnPullEvent } from "./pull-events.ts";

/**
 * What one caller listens with. It may throw: events come out of threads and sockets, where nobody
 * could catch that, and out of work that others wait for too. What it throws aborts `signal`, for the
 * caller's own wait to end with, and it is told no more.
 */
export class GuardedListener {
  readonly #listener: OnPullEvent;
  readonly #failed = new AbortController();

  constructor(listener: OnPullEvent) {
    this.#listener = listener;
  }

  /** Aborted with what the listener threw. */
  get signal(): AbortSignal {
    return this.#failed.signal;
  }

  readonly onEvent: OnPullEvent = (event) => {
    if (this.signal.aborted) return;
    try {
      this.#listener(event);
    } catch (error) {
      this.#failed.abort(error);
    }
  };
}
