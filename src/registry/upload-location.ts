import { HttpError, type HttpResponse, redactUrl } from "../http/index.ts";
import { RegistryError } from "./registry-error.ts";

/**
 * Where an upload goes on, as the host says: another host too, which gets nothing of the caller's.
 *
 * @throws RegistryError `REGISTRY_UPLOAD` where it says nothing or what is no such place
 * @throws HttpError `HTTP_REDIRECT` for a step from https to http
 * @see OCI distribution-spec, end-4 to end-6; registry.md §1.1, §10.6
 */
export function uploadLocation(response: Pick<HttpResponse, "headers" | "url">, what: string): URL {
  const { location } = response.headers;
  const url = location === undefined ? null : URL.parse(location, response.url.href);
  if (
    url === null ||
    url.username !== "" ||
    url.password !== "" ||
    !/^https?:$/.test(url.protocol)
  ) {
    const got = location === undefined ? "none" : "one that is none";
    throw new RegistryError(
      "REGISTRY_UPLOAD",
      `${what}: expected a Location to upload to, got ${got}`,
    );
  }
  if (response.url.protocol === "https:" && url.protocol === "http:") {
    throw new HttpError(
      "HTTP_REDIRECT",
      `${what}: expected to upload by https as before, got a Location at ${redactUrl(url)}`,
    );
  }
  return url;
}

/** The place at which an upload ends, with the digest of what was uploaded. */
export function closingLocation(url: URL, digest: string): URL {
  const closing = new URL(url);
  // By hand: `searchParams` would rewrite the host's own query, which it may have signed.
  const query = closing.search.slice(1);
  closing.search = `?${query === "" ? "" : `${query}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
}

/**
 * How many bytes a host says that it has of an upload; undefined where it does not say.
 *
 * @see OCI distribution-spec, end-5 and end-13
 */
export function uploadedBytes(response: Pick<HttpResponse, "headers">): number | undefined {
  const last = /^(?:bytes=)?0-([0-9]{1,15})$/.exec(response.headers["range"] ?? "")?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}
