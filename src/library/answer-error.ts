import { HttpError, type HttpResponse, readUpTo, terminalText } from "../http/index.ts";
import { ImageError, isRecord } from "../image/index.ts";
import type { LibraryEndpoint } from "./library-endpoint.ts";
import { LibraryError, type LibraryErrorCode } from "./library-error.ts";

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_PLAIN_BYTES = 1024;
const MAX_CHARS = 300;
/** What a library says of an item that is an OCI image and no SIF. */
const OCI_IMAGE = "application/vnd.oci.image.config.v1+json";

/** What a library answered that is not the wanted answer. */
export interface LibraryRefusal {
  readonly error: ImageError | LibraryError;
  /** Whether it says that the item is an OCI image. */
  readonly isOciImage: boolean;
}

/**
 * Reads an answer that is not the wanted one, to its end, and makes the error that it stands for.
 *
 * @param what - the thing that was asked for, as the user knows it
 * @see library.md §3, §15
 */
export async function readRefusal(
  response: HttpResponse,
  what: string,
  endpoint: LibraryEndpoint,
): Promise<LibraryRefusal> {
  const { status, url } = response;
  const text = await errorText(response);
  const said = terminalText(text, MAX_CHARS);
  const isElsewhere = url.origin !== endpoint.api.origin;
  const where = isElsewhere ? ` from ${url.host}, where the library keeps it` : "";
  const came = `got status ${status}${said === "" ? "" : ` (${said})`}${where}`;
  const isOciImage = text.includes(OCI_IMAGE);
  if (status === 404 && !isElsewhere) {
    const error = new ImageError("NOT_FOUND", `${what}: not found in the library, ${came}`);
    return { error, isOciImage };
  }
  // What a store of objects forbids is nothing that a token of the library could allow.
  const meaning = isElsewhere && status !== 429 ? undefined : meaningOf(status, endpoint);
  const [code, expected] = meaning ?? ["LIBRARY_STATUS", "expected status 200"];
  const error = new LibraryError(code, `${what}: ${expected}, ${came}`, { status });
  return { error, isOciImage };
}

/** As `readRefusal`, the error alone. */
export async function answerError(
  response: HttpResponse,
  what: string,
  endpoint: LibraryEndpoint,
): Promise<ImageError | LibraryError> {
  return (await readRefusal(response, what, endpoint)).error;
}

/** Statuses of a server that has no such request. */
export const NOT_OFFERED: readonly number[] = [404, 405, 410, 501];

/**
 * As `answerError`, for a request by which something is made or an upload begins: LibraryError
 * `LIBRARY_UNSUPPORTED` where the library knows no such request.
 */
export async function uploadError(
  response: HttpResponse,
  what: string,
  endpoint: LibraryEndpoint,
): Promise<ImageError | LibraryError> {
  const { status } = response;
  const error = await answerError(response, what, endpoint);
  if (!NOT_OFFERED.includes(status)) return error;
  const message = `${what}: expected a library that takes uploads, got status ${status}`;
  return new LibraryError("LIBRARY_UNSUPPORTED", message, { status, cause: error });
}

/** Whether a library said that it takes no uploads. */
export function isUploadNotOffered(error: unknown): boolean {
  if (!(error instanceof LibraryError) || error.code !== "LIBRARY_UNSUPPORTED") return false;
  return error.status !== undefined && NOT_OFFERED.includes(error.status);
}

function meaningOf(
  status: number,
  { token, api }: LibraryEndpoint,
): readonly [code: LibraryErrorCode, expected: string] | undefined {
  switch (status) {
    case 401:
      return [
        "LIBRARY_UNAUTHORIZED",
        token === undefined
          ? `expected an image that may be had without a token for ${api.host}`
          : `expected the token of ${token.described} to be good`,
      ];
    case 403:
      return [
        "LIBRARY_DENIED",
        token === undefined
          ? "expected permission to pull without a token"
          : `expected permission for the token of ${token.described}`,
      ];
    case 406:
      return ["LIBRARY_UNSUPPORTED", "expected a SIF for this architecture"];
    case 507:
      return ["LIBRARY_QUOTA", "expected room in the library"];
    case 429:
      return ["LIBRARY_RATE_LIMITED", "expected an answer within the library's rate limit"];
    default:
      return undefined;
  }
}

/** What an error body says in whichever shape it comes; "" where it says nothing. */
async function errorText(response: HttpResponse): Promise<string> {
  const text = await bodyText(response);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A page of some proxy is for people with a browser.
    const isPage = /^\s*</.test(text) || text.length > MAX_PLAIN_BYTES;
    return isPage ? "" : text.trim();
  }
  return wrappedError(json) ?? listedErrors(json) ?? "";
}

/** `{"error": {"code", "message"}}`. */
function wrappedError(json: unknown): string | undefined {
  const error = isRecord(json) ? json["error"] : undefined;
  const message = isRecord(error) ? error["message"] : undefined;
  return typeof message === "string" ? message : undefined;
}

/** `{"status": "error", "errors": [{"title", "detail", "code"}]}`, as Hinkskalle has it. */
function listedErrors(json: unknown): string | undefined {
  const errors: unknown = isRecord(json) ? json["errors"] : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isRecord(first)) return undefined;
  const parts = [first["title"], first["detail"]].filter((part) => typeof part === "string");
  return parts.length === 0 ? undefined : parts.join(": ");
}

/** The status is the error, so a body that breaks off must not hide it. */
async function bodyText(response: HttpResponse): Promise<string> {
  try {
    return Buffer.from((await readUpTo(response, MAX_ERROR_BYTES)).bytes).toString();
  } catch (error) {
    if (error instanceof HttpError) return "";
    throw error;
  }
}
