import { type HttpClient, HttpError, readUpTo, redactUrl } from "../http/index.ts";
import { tokenServiceError } from "./answer-error.ts";
import type { Challenge } from "./challenge.ts";
import { RegistryError } from "./registry-error.ts";
import { mergeScopes, pullScope } from "./scope.ts";
import { parseTokenAnswer, type Token } from "./token.ts";

const MAX_ANSWER_BYTES = 128 * 1024;

/** What a registry wants to see for requests to one of its repositories, and who gives it. */
export interface TokenRequest {
  /** The same for requests that the same token answers. */
  readonly key: string;
  /** The registry's URL whose answer named the realm. */
  readonly registry: URL;
  /** The token service, with the query that it came with. */
  readonly realm: URL;
  readonly service: string | undefined;
  /** What is asked for, always with reading of the repository in it. */
  readonly scopes: readonly string[];
}

/** The repository that a token is for. */
export interface Repository {
  /** As the registry calls it: `library/alpine`. */
  readonly path: string;
  /** As messages name it: `docker.io/library/alpine`. */
  readonly called: string;
}

/**
 * Makes a token request of a registry's Bearer challenge.
 *
 * @throws RegistryError `REGISTRY_REALM` unless the realm is an https URL without user info; plain
 *   http is for registries that are asked by it themselves, to hosts that it may be spoken to
 * @see registry.md §2.1 and §13.1, realm rules
 */
export function tokenRequest(
  challenge: Challenge,
  registry: URL,
  repository: Repository,
  allowsPlainHttp: (host: string) => boolean,
): TokenRequest {
  const realm = checkedRealm(challenge, registry, repository, allowsPlainHttp);
  const service = challenge.parameters.get("service")?.[0];
  const challenged = (challenge.parameters.get("scope") ?? []).flatMap((list) =>
    list.split(" ").filter((scope) => scope !== ""),
  );
  // The challenged ones first: there are services that heed no other.
  const scopes = mergeScopes([...challenged, pullScope(repository.path)]);
  const key = JSON.stringify([registry.origin, realm.href, service, scopes.toSorted()]);
  return { key, registry, realm, service, scopes };
}

function checkedRealm(
  challenge: Challenge,
  registry: URL,
  repository: Repository,
  allowsPlainHttp: (host: string) => boolean,
): URL {
  const refused = (expected: string, got: string): RegistryError =>
    new RegistryError(
      "REGISTRY_REALM",
      `${repository.called}: expected ${registry.host} to name a token service ${expected}, got ${got}`,
    );
  const text = challenge.parameters.get("realm")?.[0];
  const realm = text === undefined ? null : URL.parse(text);
  if (realm === null) throw refused("by its URL", text === undefined ? "none" : "what is no URL");
  if (realm.username !== "" || realm.password !== "") {
    throw refused("without user info", `${redactUrl(realm)} with some`);
  }
  if (realm.protocol === "https:") return realm;
  if (realm.protocol !== "http:" || registry.protocol !== "http:") {
    throw refused("by https", redactUrl(realm));
  }
  if (allowsPlainHttp(realm.host)) return realm;
  throw refused("by https or at a host for plain http", redactUrl(realm));
}

/**
 * Asks a token service for an anonymous token, by GET and without following redirects.
 *
 * @throws RegistryError `REGISTRY_UNAUTHORIZED`, `REGISTRY_DENIED` or `REGISTRY_RATE_LIMITED` where
 *   it says so; `REGISTRY_REALM` where its address is none that the registry may name;
 *   `REGISTRY_TOKEN` where it is not reached or gives no token, or more than 128 KiB
 * @throws HttpError `HTTP_PROXY_INVALID`
 * @see registry.md §2.2 and §13.1
 */
export async function fetchToken(
  client: HttpClient,
  wanted: TokenRequest,
  repository: Repository,
  signal: AbortSignal,
): Promise<Token> {
  const { host } = wanted.realm;
  const noToken = (got: string): RegistryError =>
    new RegistryError(
      "REGISTRY_TOKEN",
      `${repository.called}: expected a token from the token service at ${host}, got ${got}`,
    );
  try {
    const response = await client.request(
      { method: "GET", url: tokenUrl(wanted), namedBy: wanted.registry, maxRedirects: 0 },
      signal,
    );
    if (response.status !== 200) throw await tokenServiceError(response, repository.called);
    const { bytes, more } = await readUpTo(response, MAX_ANSWER_BYTES);
    if (more) throw noToken(`more than ${MAX_ANSWER_BYTES} bytes`);
    const token = parseTokenAnswer(bytes, client.clock.now());
    if (token === undefined) throw noToken("an answer without one");
    return token;
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === "HTTP_PROXY_INVALID") throw error;
    // Without a cause: the reader's own errors hold the bytes that it could not read.
    if (error.code !== "HTTP_ADDRESS_REFUSED") throw noToken(`none (${error.message})`);
    throw new RegistryError(
      "REGISTRY_REALM",
      `${repository.called}: expected ${wanted.registry.host} to name a token service that it may name, got ${host} (${error.message})`,
      { cause: error },
    );
  }
}

/** The realm with what is asked for; by hand, since `searchParams` would rewrite its own query. */
function tokenUrl({ realm, service, scopes }: TokenRequest): URL {
  const asked = new URLSearchParams(service === undefined ? {} : { service });
  for (const scope of scopes) asked.append("scope", scope);
  const url = new URL(realm);
  url.search = [url.search.slice(1), asked.toString()].filter((part) => part !== "").join("&");
  return url;
}
