import { HttpError, type HttpResponse, readUpTo, terminalText } from "../http/index.ts";
import { ImageError } from "../image/index.ts";
import type { Credential } from "./credential.ts";
import { RegistryError, type RegistryErrorCode } from "./registry-error.ts";

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_MESSAGE_CHARS = 300;
// The protocol puts no bound on how many errors one body lists; a line needs no more.
const MAX_LISTED = 3;

/** One entry of a registry's error body, its text made fit for a terminal. */
export interface ServerError {
  readonly code: string;
  readonly message: string;
}

/**
 * Reads the entries of an error body; none when it is not of the protocol's form.
 *
 * @see registry.md §1.4; OCI distribution-spec, error codes
 */
export function parseServerErrors(body: Uint8Array): readonly ServerError[] {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return [];
  }
  const errors = member(json, "errors");
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, MAX_LISTED).map((entry: unknown) => ({
    code: text(member(entry, "code")),
    message: text(member(entry, "message")),
  }));
}

/**
 * Reads an answer that is not the wanted one, to its end, and makes the error it stands for.
 *
 * @param what - the thing that was asked for, as the user knows it
 * @param who - asked; undefined: nobody in particular
 * @returns `ImageError` `NOT_FOUND` or a `RegistryError`
 */
export async function answerError(
  response: HttpResponse,
  what: string,
  who: Credential | undefined,
): Promise<ImageError | RegistryError> {
  const { status } = response;
  const { errors, came } = await readAnswer(response);
  if (status === 404 || errors.some(saysNotFound)) {
    return new ImageError("NOT_FOUND", `${what}: not found in the registry, ${came}`);
  }
  const [code, expected] = meaningOf(status, who) ?? ["REGISTRY_STATUS", "expected status 200"];
  return new RegistryError(code, `${what}: ${expected}, ${came}`, { status });
}

/**
 * Reads a token service's answer that is no token, to its end, and makes the error it stands for.
 *
 * @param repository - what the token would have been for, as the user knows it
 * @param who - asked; undefined: nobody in particular
 */
export async function tokenServiceError(
  response: HttpResponse,
  repository: string,
  who: Credential | undefined,
): Promise<RegistryError> {
  const { status, url } = response;
  const { came } = await readAnswer(response);
  const [code, expected] = meaningOf(status, who) ?? ["REGISTRY_TOKEN", "expected a token"];
  const message = `${repository}: ${expected}, ${came} from the token service at ${url.host}`;
  return new RegistryError(code, message, { status });
}

/** Reads an error's entries, and what to say of it. */
async function readAnswer(
  response: HttpResponse,
): Promise<{ readonly errors: readonly ServerError[]; readonly came: string }> {
  const errors = parseServerErrors(await errorBody(response));
  const said = errors
    .map(({ code, message }) => [code, message].filter((part) => part !== "").join(": "))
    .filter((line) => line !== "")
    .join("; ");
  return { errors, came: `got status ${response.status}${said === "" ? "" : ` (${said})`}` };
}

/** The status is the error, so a body that breaks off must not hide it. */
async function errorBody(response: HttpResponse): Promise<Uint8Array> {
  try {
    return (await readUpTo(response, MAX_ERROR_BYTES)).bytes;
  } catch (error) {
    if (error instanceof HttpError) return new Uint8Array();
    throw error;
  }
}

function meaningOf(
  status: number,
  who: Credential | undefined,
): readonly [code: RegistryErrorCode, expected: string] | undefined {
  const as = who?.described;
  switch (status) {
    case 401:
      return [
        "REGISTRY_UNAUTHORIZED",
        as === undefined
          ? "expected an image that may be pulled anonymously"
          : `expected the credentials of ${as} to be good`,
      ];
    case 403:
      return [
        "REGISTRY_DENIED",
        as === undefined
          ? "expected permission to pull anonymously"
          : `expected permission for ${as}`,
      ];
    case 429:
      return ["REGISTRY_RATE_LIMITED", "expected an answer within the registry's rate limit"];
    default:
      return undefined;
  }
}

const NOT_FOUND_CODES: ReadonlySet<string> = new Set([
  "BLOB_UNKNOWN",
  "MANIFEST_UNKNOWN",
  "NAME_UNKNOWN",
]);

/** Red Hat's registry and older Harbors say UNKNOWN and mean it in words. */
function saysNotFound({ code, message }: ServerError): boolean {
  return NOT_FOUND_CODES.has(code) || (code === "UNKNOWN" && /not found/i.test(message));
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? terminalText(value, MAX_MESSAGE_CHARS) : "";
}
