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
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 30_000,
  headersMs: 60_000,
  idleMs: 60_000,
};

/** One request to one server, redirects and repetitions not included. */
export interface Hop {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
  readonly lookup: LookupFunction;
  readonly timeouts: Timeouts;
}

/** The request as messages name it. */
export function nameOf(hop: Pick<Hop, "method" | "url">): string {
  return `${hop.method} ${redactUrl(hop.url)}`;
}
