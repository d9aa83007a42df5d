import { setTimeout as wait } from "node:timers/promises";
import { abortError } from "./http-error.ts";

/** Time, as the client sees it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`, or rejects with an `AbortError` as soon as `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? abortError(signal) : error;
    }
  },
};

/** How often and how soon a request is made again. */
export interface RetryPolicy {
  /** Times in all that a request is made, the first one included. */
  readonly tries: number;
  /** Longest pause before the second try; doubles with each further one. */
  readonly baseMs: number;
  /** Longest pause before any try. */
  readonly capMs: number;
  /** A `Retry-After` beyond this ends the tries: the caller gets the answer as it is. */
  readonly maxRetryAfterMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  tries: 4,
  baseMs: 500,
  capMs: 30_000,
  maxRetryAfterMs: 300_000,
};

const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether an answer with this status may be another one a moment later; registry.md §9.1. */
export function isRetriedStatus(status: number): boolean {
  return RETRIED_STATUSES.has(status);
}

/**
 * Milliseconds to wait before try `number` (2 is the first repetition): exponential with full
 * jitter, so that many clients that failed together do not come back together.
 *
 * @param random - 0 ≤ random < 1
 */
export function backoffMs(policy: RetryPolicy, number: number, random: number): number {
  return random * Math.min(policy.capMs, policy.baseMs * 2 ** (number - 2));
}

/**
 * Reads `Retry-After` (seconds or an HTTP date) as milliseconds from `now` on, 0 for a past date.
 *
 * @returns undefined for a missing or unreadable value
 * @see RFC 9110 §10.2.3
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1000;
  // A date has a name of a month: `Date.parse` alone also takes "-5" and "1.5" for dates.
  const date = /[A-Za-z]{3}/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
