import {
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  readUpTo,
  terminalText,
} from "../http/index.ts";
import { isRecord } from "../image/index.ts";
import { answerError } from "./answer-error.ts";
import type { LibraryEndpoint } from "./library-endpoint.ts";
import { LibraryError } from "./library-error.ts";

const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_LINE_CHARS = 120;

export type LibraryRequest = Pick<
  HttpRequest,
  "method" | "headers" | "body" | "tries" | "maxRedirects"
>;

/**
 * One library as one caller asks it. What is shown of the caller goes to the library's own origin,
 * and to no place that it sends us to.
 *
 * @see library.md §3
 */
export class LibraryApi {
  readonly client: HttpClient;
  readonly endpoint: LibraryEndpoint;

  constructor(client: HttpClient, endpoint: LibraryEndpoint) {
    this.client = client;
    this.endpoint = endpoint;
  }

  /** The URL that somebody configured or wrote, and by which we came to the API. */
  get namedBy(): URL {
    return this.endpoint.namedBy ?? this.endpoint.api;
  }

  /**
   * The URL of a path of the API, below whatever path the library itself has. By hand: empty parts of a
   * path mean something, and joining paths would lose them.
   */
  url(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const search = new URLSearchParams(query).toString();
    return new URL(`${this.endpoint.api.href}${path}${search === "" ? "" : `?${search}`}`);
  }

  /**
   * Asks the library, or whoever it sends us to.
   *
   * @param url - of the library, or a place that it named
   * @param how.isAnonymous - whether nothing of the caller is shown, at the library neither
   * @returns the final answer, whatever its status is
   * @throws HttpError with any of its codes
   */
  async request(
    url: URL,
    request: LibraryRequest,
    signal: AbortSignal,
    { isAnonymous = false }: { readonly isAnonymous?: boolean } = {},
  ): Promise<HttpResponse> {
    const { api, namedBy, tls, isPlainHttp, token } = this.endpoint;
    const isHome = url.origin === api.origin;
    const headersFor = (hop: URL): Promise<Readonly<Record<string, string>>> => {
      const isShown = token !== undefined && !isAnonymous && hop.origin === api.origin;
      return Promise.resolve(isShown ? { authorization: `Bearer ${token.secret.reveal()}` } : {});
    };
    const how = isHome
      ? { plainHttp: isPlainHttp, ...(tls && { tls }), ...(namedBy && { namedBy }) }
      : { namedBy: this.namedBy };
    return await this.client.request({ ...request, ...how, url, headersFor }, signal);
  }

  /**
   * Asks for JSON.
   *
   * @param what - the thing that is asked for, as the user knows it
   * @returns the body of an answer with status 200
   * @throws as `answerError` for another one; LibraryError `LIBRARY_PROTOCOL` for no JSON object, or more
   *   than 1 MiB
   */
  async get(
    path: string,
    query: Readonly<Record<string, string>>,
    what: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const response = await this.request(this.url(path, query), JSON_REQUEST, signal);
    if (response.status !== 200) throw await answerError(response, what, this.endpoint);
    return await readObject(response, what);
  }

  /** Sends JSON; returns the answer, whatever its status is. */
  async send(
    method: "POST" | "PUT",
    url: URL,
    body: object,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const bytes = Buffer.from(JSON.stringify(body));
    return await this.request(url, { method, headers, body: bytes }, signal);
  }

  /**
   * Reads the JSON of an answer that says that something was done; an empty one is an empty object.
   *
   * @throws as `answerError` for any other answer; LibraryError `LIBRARY_PROTOCOL`
   */
  async read(response: HttpResponse, what: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, headers } = response;
    if (![200, 201, 204].includes(status)) throw await answerError(response, what, this.endpoint);
    if (status !== 204 && headers["content-length"] !== "0")
      return await readObject(response, what);
    response.discard();
    return {};
  }

  /** `send`, and `read` what comes. */
  async sendJson(
    method: "POST" | "PUT",
    url: URL,
    body: object,
    what: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    return await this.read(await this.send(method, url, body, signal), what);
  }
}

export const JSON_REQUEST: LibraryRequest = {
  method: "GET",
  headers: { accept: "application/json" },
};

/** @throws LibraryError `LIBRARY_PROTOCOL` */
export async function readObject(
  response: HttpResponse,
  what: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { bytes, more } = await readUpTo(response, MAX_ANSWER_BYTES);
  if (more) throw protocolError(what, `at most ${MAX_ANSWER_BYTES} bytes of JSON`, "more");
  const text = Buffer.from(bytes).toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const line = terminalText(text.trimStart().split("\n", 1)[0] ?? "", MAX_LINE_CHARS);
    throw protocolError(what, "JSON from the library", JSON.stringify(line));
  }
  if (isRecord(json)) return json;
  throw protocolError(what, "a JSON object from the library", "another value");
}

/** The error for an answer that is none of the protocol. */
export function protocolError(what: string, expected: string, got: string): LibraryError {
  return new LibraryError("LIBRARY_PROTOCOL", `${what}: expected ${expected}, got ${got}`);
}

/**
 * The `data` of an answer.
 *
 * @throws LibraryError `LIBRARY_PROTOCOL`
 */
export function dataOf(
  answer: Readonly<Record<string, unknown>>,
  what: string,
): Readonly<Record<string, unknown>> {
  const data = answer["data"];
  if (isRecord(data)) return data;
  throw protocolError(what, "an answer with data", "one without");
}
