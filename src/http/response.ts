import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { freeBytes } from "../base/index.ts";
import { abortError, HttpError } from "./http-error.ts";
import { type Hop, nameOf } from "./hop.ts";
import { RateGuard } from "./rate-guard.ts";
import { requestError } from "./request-error.ts";

/**
 * An answer whose body is still on its way. It holds a connection until the body was read to its
 * end, its loop was left, `discard` was called, or the request was aborted: do one of them.
 */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name; repeated ones joined by ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where the answer came from, after redirects. May hold secrets: show it by `redactUrl`. */
  readonly url: URL;
  /**
   * The raw bytes, to be read once: no Content-Encoding is undone. A chunk lasts until the next one is
   * asked for, when its memory is given back.
   *
   * @throws HttpError `HTTP_UNREACHABLE` (cut before its end), `HTTP_STALLED`, `HTTP_PROTOCOL`
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets go of a body that nobody wants. */
  discard(): void;
}

// Up to here a body is cheaper to read than a new connection is to make.
const DRAINED_BYTES = 64 * 1024;

/** The answer that `message` begins; see `HttpResponse`. */
export function responseOf(hop: Hop, message: IncomingMessage, signal: AbortSignal): HttpResponse {
  const { idleMs } = hop.timeouts;
  return {
    status: message.statusCode ?? 0,
    headers: flat(message.headers),
    url: hop.url,
    body: bodyOf(hop, message, signal),
    discard() {
      const length = hop.method === "HEAD" ? 0 : contentLength(flat(message.headers));
      if (length === undefined || length > DRAINED_BYTES) {
        message.destroy();
        return;
      }
      const timer = setTimeout(() => {
        message.destroy();
      }, idleMs);
      message.once("close", () => {
        clearTimeout(timer);
      });
      message.resume();
    },
  };
}

async function* bodyOf(
  hop: Hop,
  message: IncomingMessage,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { idleMs } = hop.timeouts;
  let got = 0;
  const rate = new RateGuard(hop);
  const expire = (): void => {
    message.destroy(
      new HttpError(
        "HTTP_STALLED",
        `${nameOf(hop)}: expected more of the body within ${idleMs} ms, got none after ${got} bytes`,
        { retryable: true },
      ),
    );
  };
  let timer = setTimeout(expire, idleMs);
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      // The time that the consumer takes is not the server's.
      clearTimeout(timer);
      // What had already come when the abort did is not handed out either.
      if (signal.aborted) throw abortError(signal);
      got += chunk.length;
      rate.came(chunk.length);
      yield chunk;
      freeBytes(chunk);
      rate.waitsAgain();
      timer = setTimeout(expire, idleMs);
    }
  } catch (error) {
    throw requestError(hop, `more of the body after ${got} bytes`, error, signal);
  } finally {
    clearTimeout(timer);
  }
}

function flat(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  );
}

/** The length that the headers announce; undefined when they announce none that can be true. */
export function contentLength(headers: HttpResponse["headers"]): number | undefined {
  const text = headers["content-length"];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const length = Number(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

/**
 * Reads a small body whole, at most `maxBytes` of it; when there is more, the rest is not read.
 *
 * @returns the bytes, and whether there were more
 */
export async function readUpTo(
  response: HttpResponse,
  maxBytes: number,
): Promise<{ readonly bytes: Uint8Array; readonly more: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    chunks.push(new Uint8Array(chunk));
    size += chunk.length;
    if (size > maxBytes) return { bytes: Buffer.concat(chunks, maxBytes), more: true };
  }
  return { bytes: Buffer.concat(chunks), more: false };
}
