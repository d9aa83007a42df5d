import { freeBytes } from "../base/index.ts";
import { type BlobPart, transferred, type TransferOptions } from "./blob-transfer.ts";
import type { Span } from "./content-range.ts";

/** Smaller blobs are not worth a second connection. */
const WORTH_BYTES = 32 * 1024 * 1024;
/** By how the first bytes come it is decided whether more connections would help. */
const SAMPLE_BYTES = 16 * 1024 * 1024;
/** What one connection is asked for at a time; as much of each is held in memory at most. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** A sample that took less came from a host that is quick enough. */
const WORTH_MS = 500;

export interface ParallelOptions extends TransferOptions {
  /** Most connections at a time, the first one included. */
  readonly connections: number;
  /** A place for one more connection, where there is one free. */
  readonly takeFree: () => Disposable | undefined;
}

/** A part of a blob that is fetched ahead of its turn. */
interface Piece {
  readonly place: Disposable | undefined;
  next(): Promise<Uint8Array | undefined>;
}

/**
 * The bytes of `span` of a blob in order, over several connections where one alone is what the reader
 * waits for: a large blob's beginning is asked for by itself, and when it came slowly, though the reader
 * was quick, and as the part that was asked for, the rest comes in parts side by side.
 *
 * @throws as `transferred`
 * @see registry.md §9.2
 */
export async function* transferredInParallel(
  span: Span,
  options: ParallelOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (options.connections < 2 || span.to - span.from < WORTH_BYTES) {
    yield* transferred(span, options, signal);
    return;
  }
  const boundary = span.from + SAMPLE_BYTES;
  const sample = new Sample(options);
  for await (const chunk of sample.read(span, boundary, signal)) yield chunk;
  if (sample.at >= span.to) return;
  const rest = { from: sample.at, to: span.to };
  yield* sample.isWaitedFor ? inPieces(rest, options, signal) : transferred(rest, options, signal);
}

/** Reads the beginning of a blob, and tells what held it up. */
class Sample {
  /** The first byte that was not read. */
  at = 0;
  readonly #options: ParallelOptions;
  #networkMs = 0;
  #readerMs = 0;
  #isPart = true;

  constructor(options: ParallelOptions) {
    this.#options = options;
  }

  get isWaitedFor(): boolean {
    return this.#isPart && this.#networkMs > WORTH_MS && this.#networkMs > 2 * this.#readerMs;
  }

  /** To `boundary`, or to the end where the host sends all of it whatever it is asked for. */
  async *read(span: Span, boundary: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { clock, open } = this.#options;
    const noted = async (asked: Span, stop: AbortSignal): Promise<BlobPart> => {
      const part = await open(asked, stop);
      this.#isPart &&= part.isPart;
      return part;
    };
    this.at = span.from;
    const beginning = { from: span.from, to: boundary };
    let since = clock.now();
    for await (const chunk of transferred(beginning, { ...this.#options, open: noted }, signal)) {
      const came = clock.now();
      this.#networkMs += came - since;
      this.at += chunk.length;
      yield chunk;
      since = clock.now();
      this.#readerMs += since - came;
    }
  }
}

/** Parts side by side, for as long as the host sends what it is asked for; then all the rest at once. */
async function* inPieces(
  span: Span,
  options: ParallelOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const pieces: Piece[] = [];
  let next = span.from;
  const host = { sendsParts: true };
  const open = async (asked: Span, end: AbortSignal): Promise<BlobPart> => {
    const part = await options.open(asked, end);
    host.sendsParts &&= part.isPart;
    return part;
  };
  const begin = (place: Disposable | undefined): void => {
    const piece = { from: next, to: Math.min(next + PIECE_BYTES, span.to) };
    next = piece.to;
    pieces.push(fetchAhead(piece, place, { ...options, open }, both));
  };
  try {
    while ((next < span.to && host.sendsParts) || pieces.length > 0) {
      // The first one goes on under the place that the transfer as a whole has.
      if (pieces.length === 0) begin(undefined);
      while (host.sendsParts && pieces.length < options.connections && next < span.to) {
        const place = options.takeFree();
        if (place === undefined) break;
        begin(place);
      }
      const first = pieces[0];
      if (first === undefined) return;
      const chunk = await first.next();
      if (chunk === undefined) pieces.shift()?.place?.[Symbol.dispose]();
      else {
        yield chunk;
        freeBytes(chunk);
      }
    }
    yield* transferred({ from: next, to: span.to }, options, signal);
  } finally {
    stop.abort();
    for (const { place } of pieces) place?.[Symbol.dispose]();
  }
}

/** Fetches a part into memory, from which it is taken in order. */
function fetchAhead(
  span: Span,
  place: Disposable | undefined,
  options: TransferOptions,
  signal: AbortSignal,
): Piece {
  const chunks: Uint8Array[] = [];
  let wake = Promise.withResolvers<undefined>();
  let isDone = false;
  const fetching = (async (): Promise<void> => {
    try {
      let left = span.to - span.from;
      for await (const chunk of transferred(span, options, signal)) {
        // A copy, for it outlasts the next one.
        chunks.push(new Uint8Array(chunk.subarray(0, left)));
        wake.resolve(undefined);
        left -= chunk.length;
        // A host without ranges goes on to the blob's end.
        if (left <= 0) break;
      }
    } finally {
      isDone = true;
      wake.resolve(undefined);
    }
  })();
  // Heard where its turn comes; when it does not come, somebody else's failure was heard.
  fetching.catch(() => undefined);
  return {
    place,
    async next() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (isDone) break;
        await wake.promise;
        wake = Promise.withResolvers<undefined>();
      }
      await fetching;
      return undefined;
    },
  };
}
