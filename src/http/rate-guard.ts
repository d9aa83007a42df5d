import { type Hop, nameOf } from "./hop.ts";
import { HttpError } from "./http-error.ts";

const WINDOW_MS = 30_000;

/** Refuses a body that comes drop by drop: each comes in time, and the whole never. */
export class RateGuard {
  readonly #hop: Hop;
  #waitedMs = 0;
  #bytes = 0;
  #since: number;

  constructor(hop: Hop) {
    this.#hop = hop;
    this.#since = hop.elapsedMs();
  }

  /**
   * Counts bytes that came, and the time that was waited for them.
   *
   * @throws HttpError `HTTP_STALLED`, when the last half minute of waiting brought too little
   */
  came(bytes: number): void {
    this.#waitedMs += this.#hop.elapsedMs() - this.#since;
    this.#bytes += bytes;
    if (this.#waitedMs < WINDOW_MS) return;
    const least = this.#hop.timeouts.minBytesPerSecond;
    const rate = Math.floor((this.#bytes * 1000) / this.#waitedMs);
    if (rate < least) {
      throw new HttpError(
        "HTTP_STALLED",
        `${nameOf(this.#hop)}: expected ${least} bytes a second of the body, got ${rate} over ${Math.round(this.#waitedMs / 1000)} s`,
        { retryable: true },
      );
    }
    this.#waitedMs = 0;
    this.#bytes = 0;
  }

  /** From now on the server is waited for; the time that the consumer took is not its own. */
  waitsAgain(): void {
    this.#since = this.#hop.elapsedMs();
  }
}
