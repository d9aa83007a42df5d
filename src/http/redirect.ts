import { type Method, nameOf } from "./hop.ts";
import { HttpError } from "./http-error.ts";
import { redactUrl } from "./redact-url.ts";
import type { HttpResponse } from "./response.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

// What means the same to every server. All else may be a credential, whatever its name is.
const SURVIVORS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "range",
  "user-agent",
]);

// Those that say to send the same again, body and all; the others may mean "and now GET this".
const REPEATING: ReadonlySet<number> = new Set([307, 308]);

/**
 * Where an answer sends us, resolved against its own URL; undefined when it is no redirect.
 *
 * @throws HttpError `HTTP_REDIRECT` for a missing or unreadable Location, and for a status under
 *   which a request that changes something would become another one
 */
export function redirectTarget(response: HttpResponse, method: Method): URL | undefined {
  if (!REDIRECTS.has(response.status)) return undefined;
  if (method !== "GET" && method !== "HEAD" && !REPEATING.has(response.status)) {
    response.discard();
    throw new HttpError(
      "HTTP_REDIRECT",
      `${nameOf({ method, url: response.url })}: expected a redirect with status 307 or 308, got ${response.status}`,
    );
  }
  const { location } = response.headers;
  const target = location === undefined ? null : URL.parse(location, response.url.href);
  if (target !== null) return target;
  response.discard();
  throw new HttpError(
    "HTTP_REDIRECT",
    `${nameOf({ method, url: response.url })}: expected a Location to be redirected to, got ` +
      (location === undefined ? "none" : "one that is no URL"),
  );
}

/**
 * Refuses what no redirect may do: leave http(s), bring user info along, go from https to http, or
 * lead to a host that plain http may not be spoken to.
 *
 * @throws HttpError `HTTP_REDIRECT`
 * @see registry.md §10.6, §13.1
 */
export function checkRedirect(
  from: URL,
  to: URL,
  allowsPlainHttp: (host: string) => boolean,
): void {
  const refuse = (expected: string): never => {
    throw new HttpError(
      "HTTP_REDIRECT",
      `${redactUrl(from)}: expected a redirect ${expected}, got one to ${redactUrl(to)}`,
    );
  };
  if (to.protocol !== "https:" && to.protocol !== "http:") refuse("to https");
  if (to.username !== "" || to.password !== "") refuse("without user info");
  if (to.protocol === "https:") return;
  if (from.protocol === "https:") refuse("from https to https");
  if (!allowsPlainHttp(to.host)) refuse("to https or to a host for plain http");
}

/** What is left of a request's headers on another origin. */
export function survivingHeaders(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => SURVIVORS.has(name.toLowerCase())),
  );
}
