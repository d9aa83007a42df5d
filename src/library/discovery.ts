import {
  type HttpClient,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  readUpTo,
} from "../http/index.ts";
import { isRecord } from "../image/index.ts";
import type { LibraryEndpoint } from "./library-endpoint.ts";
import { LibraryError } from "./library-error.ts";

const DOCUMENT = "assets/config/config.prod.json";
const MAX_BYTES = 64 * 1024;
const MAX_REDIRECTS = 3;
/** More would not fit into the time for all of it. */
const TRIES = 2;
const TIMEOUT_MS = 10_000;
const MEMORY_MS = 3600 * 1000;

/** A host that people know, which may say where its library is. */
export type DiscoveryHost = Pick<LibraryEndpoint, "api" | "tls">;

interface Found {
  readonly api: URL | undefined;
  readonly untilMs: number;
}

/**
 * Where libraries are, as the hosts by which people know them say in a document of theirs; each is
 * believed for an hour.
 *
 * @see library.md §10, discovery
 */
export class Discoveries {
  readonly #client: Pick<HttpClient, "request" | "clock">;
  readonly #timeoutMs: number;
  readonly #found: Map<string, Found> = new Map<string, Found>();

  /** @param options.timeoutMs - for the whole document; 10 s where absent */
  constructor(
    client: Pick<HttpClient, "request" | "clock">,
    { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks a host where its library is, without any token.
   *
   * @param host.api - the root of the host; plain http is spoken where it says so
   * @returns with a slash at the end; undefined where the host has no such document, as one that is a
   *   library itself
   * @throws LibraryError `LIBRARY_DISCOVERY` for a document that cannot be used, `LIBRARY_STATUS`;
   *   HttpError, `HTTP_TIMEOUT` where the document took too long
   */
  async find(host: DiscoveryHost, signal: AbortSignal): Promise<URL | undefined> {
    const { clock } = this.#client;
    const { href } = host.api;
    const known = this.#found.get(href);
    if (known !== undefined && clock.now() < known.untilMs) return known.api;
    const api = await this.#ask(host, signal);
    this.#found.set(href, { api, untilMs: clock.now() + MEMORY_MS });
    return api;
  }

  async #ask({ api: root, tls }: DiscoveryHost, signal: AbortSignal): Promise<URL | undefined> {
    const url = new URL(DOCUMENT, root);
    const plainHttp = root.protocol === "http:";
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const headers = { accept: "application/json" };
    const how = { plainHttp, tries: TRIES, maxRedirects: MAX_REDIRECTS, ...(tls && { tls }) };
    const request: HttpRequest = { method: "GET", url, headers, ...how };
    try {
      const either = AbortSignal.any([signal, timeout]);
      return await documentIn(await this.#client.request(request, either), url);
    } catch (error) {
      if (signal.aborted || !timeout.aborted) throw error;
      const message = `${url.href}: expected an answer within ${this.#timeoutMs} ms, got none`;
      throw new HttpError("HTTP_TIMEOUT", message, { cause: error });
    }
  }
}

async function documentIn(response: HttpResponse, url: URL): Promise<URL | undefined> {
  const { status } = response;
  if (status !== 200) {
    response.discard();
    // Whatever it has against this request, it is no failure that will pass: there is no document.
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) return undefined;
    const message = `${url.href}: expected status 200 or 404, got status ${status}`;
    throw new LibraryError("LIBRARY_STATUS", message, { status });
  }
  const { bytes, more } = await readUpTo(response, MAX_BYTES);
  if (more) throw refused(url, `at most ${MAX_BYTES} bytes of JSON`, "more");
  return libraryIn(Buffer.from(bytes).toString(), url);
}

/**
 * The library that a host's document names.
 *
 * @param url - of the document: a library without TLS is only named without TLS
 * @throws LibraryError `LIBRARY_DISCOVERY`
 */
export function libraryIn(text: string, url: URL): URL {
  const service = objectIn(text, url)["libraryAPI"];
  if (service === undefined || service === null) throw refused(url, "a library", "none");
  const uri = isRecord(service) ? service["uri"] : undefined;
  const api = typeof uri === "string" ? URL.parse(uri) : null;
  const isPlace =
    api !== null &&
    api.username === "" &&
    api.password === "" &&
    api.search === "" &&
    api.hash === "" &&
    (api.protocol === "https:" || (api.protocol === "http:" && url.protocol === "http:"));
  if (!isPlace) throw refused(url, "the URL of a library, by https", "what is none");
  if (!api.pathname.endsWith("/")) api.pathname += "/";
  return api;
}

function objectIn(text: string, url: URL): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refused(url, "JSON", "something else");
  }
  if (isRecord(json)) return json;
  throw refused(url, "a JSON object", "another value");
}

function refused(url: URL, expected: string, got: string): LibraryError {
  const remedy = "its endpoint can be given under libraries in the configuration";
  const message = `${url.href}: expected ${expected}, got ${got}; ${remedy}`;
  return new LibraryError("LIBRARY_DISCOVERY", message);
}
