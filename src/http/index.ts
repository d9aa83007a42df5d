export { DEFAULT_TIMEOUTS, type Timeouts } from "./hop.ts";
export { HttpClient, type HttpClientOptions, type HttpRequest } from "./http-client.ts";
export { abortError, HttpError, type HttpErrorCode } from "./http-error.ts";
export { redactUrl } from "./redact-url.ts";
export { contentLength, type HttpResponse, readUpTo } from "./response.ts";
export { type Clock, DEFAULT_RETRY, type RetryPolicy, systemClock } from "./retry.ts";
export { terminalText } from "./terminal-text.ts";
