import { abortError, HttpError } from "./http-error.ts";
import { type Hop, nameOf } from "./hop.ts";
import { terminalText } from "./terminal-text.ts";

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  ECONNABORTED: "the connection was cut",
  EPIPE: "the connection was cut",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was cut",
  ETIMEDOUT: "no answer to the connection request",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENETDOWN: "the network is down",
  EAI_AGAIN: "no answer from the name service",
};

/**
 * What a failure of Node's client means here. Reasons in the table are worth another try; an
 * unknown host, a certificate that is not trusted and everything else are not.
 *
 * @param expected - what the server should have sent
 * @returns an `AbortError` when `signal` is what ended the request, an `HttpError` for a failure
 *   of the network or the server, and `error` itself when it is neither
 */
export function requestError(
  hop: Hop,
  expected: string,
  error: unknown,
  signal: AbortSignal,
): unknown {
  if (signal.aborted) return abortError(signal);
  if (error instanceof HttpError || !(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) return error;
  const start = `${nameOf(hop)}: expected ${expected}, got`;
  if (code === "ERR_PROXY_TUNNEL") {
    // Its own text quotes the proxy's URL and answer, so it is not even a cause.
    const status = "statusCode" in error ? ` (status ${String(error.statusCode)})` : "";
    return new HttpError("HTTP_UNREACHABLE", `${start} no tunnel from the proxy${status}`);
  }
  if (code.startsWith("HPE_") || code.startsWith("ERR_HTTP_")) {
    const message = `${start} what is not HTTP/1.1 (${code})`;
    return new HttpError("HTTP_PROTOCOL", message, { cause: error });
  }
  const known = REASONS[code];
  const reason =
    known ?? (code === "ENOTFOUND" ? "no such host" : terminalText(error.message, 200));
  return new HttpError("HTTP_UNREACHABLE", `${start} ${reason} (${code})`, {
    cause: error,
    retryable: known !== undefined,
  });
}
