import { CodedError } from "../base/index.ts";

export type HttpErrorCode =
  | "HTTP_UNREACHABLE"
  | "HTTP_TIMEOUT"
  | "HTTP_STALLED"
  | "HTTP_REDIRECT"
  | "HTTP_ADDRESS_REFUSED"
  | "HTTP_PROTOCOL"
  | "HTTP_PROXY_INVALID";

/**
 * No usable answer came from an HTTP server. An answer with an unwelcome status is not an
 * `HttpError`: what a status means is for the caller to say.
 *
 * - `HTTP_UNREACHABLE`: no such host, refused, cut, or no TLS that we trust
 * - `HTTP_TIMEOUT`: connecting, or the headers, took too long
 * - `HTTP_STALLED`: the body began, and brings nothing more or too little
 * - `HTTP_REDIRECT`: a redirect without end, without target, or to where we must not go
 * - `HTTP_ADDRESS_REFUSED`: a server named a host whose address is not for servers to name
 * - `HTTP_PROTOCOL`: not HTTP/1.1, or plain http where only https may be spoken
 * - `HTTP_PROXY_INVALID`: the proxy setting is no URL of a proxy by http or https
 */
export class HttpError extends CodedError<HttpErrorCode> {
  /** Whether the same request may well succeed a moment later. */
  readonly retryable: boolean;

  constructor(
    code: HttpErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryable?: boolean },
  ) {
    super(code, message, options);
    this.retryable = options?.retryable ?? false;
  }
}

/** What every abort looks like from here, with the signal's reason as its cause. */
export function abortError(signal: AbortSignal): DOMException {
  return new DOMException("the request was aborted", {
    name: "AbortError",
    cause: signal.reason,
  });
}
