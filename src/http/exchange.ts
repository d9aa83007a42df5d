import type { ClientRequest, IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { abortError, HttpError } from "./http-error.ts";
import { type Hop, nameOf, type RequestBody } from "./hop.ts";
import { http } from "./node-http.ts";
import { bareHost } from "./plain-http.ts";
import { requestError } from "./request-error.ts";
import { type HttpResponse, responseOf } from "./response.ts";

/**
 * Sends one request and returns when status and headers are there. An abort ends it at any time,
 * the reading of the body included, and closes its connection.
 *
 * @throws HttpError `HTTP_UNREACHABLE`, `HTTP_TIMEOUT`, `HTTP_ADDRESS_REFUSED`, `HTTP_PROTOCOL`
 */
export async function exchange(hop: Hop, signal: AbortSignal): Promise<HttpResponse> {
  if (signal.aborted) throw abortError(signal);
  const request = open(hop);
  const abort = (): void => {
    request.destroy();
  };
  signal.addEventListener("abort", abort, { once: true });
  // "close" comes after the body's end, not after the headers: until then an abort must be heard.
  request.once("close", () => {
    signal.removeEventListener("abort", abort);
  });
  try {
    return responseOf(hop, await answerOf(request, hop), signal);
  } catch (error) {
    throw requestError(hop, "an answer", error, signal);
  }
}

function open(hop: Hop): ClientRequest {
  const { url } = hop;
  // The parts one by one: a URL object would make user info in it an Authorization header.
  return (url.protocol === "https:" ? https : http).request({
    method: hop.method,
    hostname: bareHost(url.hostname),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    headers: { ...hop.headers, ...lengthOf(hop) },
    agent: hop.agent,
    lookup: hop.lookup,
  });
}

/** How long the body is; methods that carry one say so of an empty one, too (RFC 9110 §8.6). */
function lengthOf({ method, body }: Hop): Readonly<Record<string, string>> {
  if (method === "GET" || method === "HEAD" || method === "DELETE") return {};
  const size = body === undefined ? 0 : body instanceof Uint8Array ? body.length : body.size;
  return { "content-length": String(size) };
}

/** Sends the request and waits for its headers, with one timer at a time. */
async function answerOf(request: ClientRequest, hop: Hop): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let timer = expiry(request, hop, "the connection", hop.timeouts.connectMs);
  const connected = (): void => {
    clearTimeout(timer);
    timer = expiry(request, hop, "the headers", hop.timeouts.headersMs);
  };
  // A large body takes its time, and its server answers only then.
  const sent = (): void => {
    timer.refresh();
  };
  request.once("socket", (socket) => {
    if (socket.connecting) {
      socket.once(hop.url.protocol === "https:" ? "secureConnect" : "connect", connected);
    } else {
      connected(); // kept alive, or a tunnel through a proxy, handed over when its TLS is up
    }
  });
  request.once("response", resolve);
  // Not `once`: what happens after the headers shows at the body, but must find a listener here.
  request.on("error", reject);
  // A destroyed request tells of its error first; this is for one destroyed without.
  request.once("close", () => {
    reject(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }));
  });
  send(request, hop.body, sent, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function send(
  request: ClientRequest,
  body: RequestBody | undefined,
  onSent: () => void,
  onFailure: (error: unknown) => void,
): void {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  const counted = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of body.read()) {
      yield chunk;
      onSent();
    }
  };
  // Whatever the request itself fails with was told before; what the reading fails with is told here.
  pipeline(Readable.from(counted()), request).catch((error: unknown) => {
    onFailure(error);
    request.destroy();
  });
}

function expiry(request: ClientRequest, hop: Hop, stage: string, ms: number): NodeJS.Timeout {
  return setTimeout(() => {
    request.destroy(
      new HttpError("HTTP_TIMEOUT", `${nameOf(hop)}: expected ${stage} within ${ms} ms, got none`, {
        retryable: true,
      }),
    );
  }, ms);
}
