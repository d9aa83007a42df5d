import { type Clock, HttpError } from "../http/index.ts";
import type { Span } from "./content-range.ts";

/** Bytes of a blob from one host: they begin at `from` and may end before `to` was reached. */
export interface BlobPart {
  readonly body: AsyncIterable<Uint8Array>;
  /** Whether the host sends just the part that it was asked for. */
  readonly isPart: boolean;
  /** Is told that the host broke off again and again. */
  brokeOff(): void;
}

export interface TransferOptions {
  readonly clock: Clock;
  /** At least 0, below 1; for the jitter of pauses. */
  readonly random: () => number;
  /** Opens the blob at `from`, at whichever host has it. */
  readonly open: (span: Span, signal: AbortSignal) => Promise<BlobPart>;
}

/** Breaks in a row that a transfer survives without having come on in between. */
const MAX_BREAKS = 5;
/** Having come on so far, a transfer may break as often again. */
const PROGRESS_BYTES = 1024 * 1024;
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

/**
 * The bytes of `span` of a blob in order, whatever breaks on the way: after a break the rest is asked
 * for, from the first byte that is missing on.
 *
 * @throws what `open` throws, and HttpError for the last of five breaks in a row within 1 MiB
 * @see registry.md §1.3, §9.1
 */
export async function* transferred(
  span: Span,
  { clock, random, open }: TransferOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  let at = span.from;
  let breaks = 0;
  /** Where the breaks are counted from. */
  let since = at;
  while (at < span.to) {
    const part = await open({ from: at, to: span.to }, signal);
    let failure: HttpError | undefined;
    try {
      for await (const chunk of part.body) {
        at += chunk.length;
        yield chunk;
      }
      // One that ends early without a word is as good as cut.
      if (at >= span.to) return;
    } catch (error) {
      if (!(error instanceof HttpError) || !error.retryable) throw error;
      failure = error;
    }
    if (at - since >= PROGRESS_BYTES) {
      breaks = 0;
      since = at;
    }
    breaks += 1;
    if (breaks > 1) part.brokeOff();
    if (breaks === MAX_BREAKS) {
      if (failure !== undefined) throw failure;
      return; // short: whoever checks the size says so
    }
    await clock.sleep(random() * Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (breaks - 1)), signal);
  }
}
