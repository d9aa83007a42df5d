import type { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import { redactUrl } from "./redact-url.ts";

/** How long nothing may happen at each stage of a request. */
export interface Timeouts {
  /** From the start to a connection that can carry the request: name, TCP, proxy tunnel, TLS. */
  readonly connectMs: number;
  /** From there to the status and headers; a cold proxy registry may need minutes. */
  readonly headersMs: number;
  /** Between two pieces of the body, while somebody waits for the next one. */
  readonly idleMs: number;
  /** Fewest bytes of a body a second, over any half minute that somebody waits for them; 0: none. */
  readonly minBytesPerSecond: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 30_000,
  headersMs: 60_000,
  idleMs: 60_000,
  // Less than any line that is of use brings, and more than drops that only keep a transfer alive.
  minBytesPerSecond: 100,
};

/** What can be asked of a server. */
export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Bytes to send, made anew for each try: all in memory, or `size` of them as they are read. */
export type RequestBody = Uint8Array | { readonly size: number; read(): AsyncIterable<Uint8Array> };

/** One request to one server, redirects and repetitions not included. */
export interface Hop {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestBody | undefined;
  readonly agent: Agent;
  /** The proxy that the agent goes through. */
  readonly proxy: URL | undefined;
  readonly lookup: LookupFunction;
  readonly timeouts: Timeouts;
  /** Milliseconds on a clock that only goes forward. */
  readonly elapsedMs: () => number;
}

/** The request as messages name it. */
export function nameOf({
  method,
  url,
  proxy,
}: Pick<Hop, "method" | "url"> & { readonly proxy?: Hop["proxy"] }): string {
  const way = proxy === undefined ? "" : ` through the proxy ${proxy.host}`;
  return `${method} ${redactUrl(url)}${way}`;
}
