import { type HttpResponse, terminalText } from "../http/index.ts";
import { answerError, NOT_OFFERED } from "./answer-error.ts";
import { dataOf, JSON_REQUEST, type LibraryApi, readObject } from "./library-api.ts";

/** What a library says of itself, and of who asks. */
export interface LibraryAnswer {
  /** The URL below which its API is. */
  readonly api: string;
  /** `2.0.0`; undefined where it does not say, as libraries of old. */
  readonly apiVersion: string | undefined;
  /** Whether it knows the token that it was shown; `none`: it was shown none. */
  readonly token: "none" | "accepted" | "refused" | "unknown";
  /** Where that token comes from; undefined: there is none. */
  readonly tokenFrom: string | undefined;
  /** Milliseconds since 1970 by its own clock; undefined where it does not say. */
  readonly time: number | undefined;
}

const MAX_VERSION_CHARS = 40;
/** What answers differently to who is somebody: of token services, and of the vendor's libraries. */
const WHO_AM_I = ["v1/token-status", "v1/rbac/users/current"];

/**
 * Asks a library what it is and whether it knows its caller; each request once.
 *
 * @param what - the library, for messages
 * @throws as `answerError`, HttpError; LibraryError `LIBRARY_PROTOCOL` for what is no library
 * @see library.md §4
 */
export async function probeLibrary(
  api: LibraryApi,
  what: string,
  signal: AbortSignal,
): Promise<LibraryAnswer> {
  const { token } = api.endpoint;
  const response = await ask(api, "version", signal);
  const about = {
    api: api.endpoint.api.href,
    tokenFrom: token?.described,
    time: timeOf(response),
  };
  if (response.status === 401 && token !== undefined) {
    response.discard();
    return { ...about, apiVersion: undefined, token: "refused" };
  }
  const apiVersion = await versionIn(response, api, what);
  const verdict = token === undefined ? "none" : await tokenVerdict(api, signal);
  return { ...about, apiVersion, token: verdict };
}

async function versionIn(
  response: HttpResponse,
  api: LibraryApi,
  what: string,
): Promise<string | undefined> {
  const { status } = response;
  if (NOT_OFFERED.includes(status)) {
    response.discard();
    return undefined;
  }
  if (status !== 200) throw await answerError(response, what, api.endpoint);
  const { apiVersion } = dataOf(await readObject(response, what), what);
  return typeof apiVersion === "string" ? terminalText(apiVersion, MAX_VERSION_CHARS) : undefined;
}

/** Only at the library's own origin, for the token is for no other. */
async function tokenVerdict(
  api: LibraryApi,
  signal: AbortSignal,
): Promise<"accepted" | "refused" | "unknown"> {
  for (const path of WHO_AM_I) {
    const response = await ask(api, path, signal);
    const { status, url } = response;
    response.discard();
    if (url.origin !== api.endpoint.api.origin) continue;
    if (status === 200) return "accepted";
    if (status === 401) return "refused";
  }
  return "unknown";
}

async function ask(api: LibraryApi, path: string, signal: AbortSignal): Promise<HttpResponse> {
  return await api.request(api.url(path), { ...JSON_REQUEST, tries: 1 }, signal);
}

function timeOf({ headers }: HttpResponse): number | undefined {
  const time = Date.parse(headers["date"] ?? "");
  return Number.isNaN(time) ? undefined : time;
}
