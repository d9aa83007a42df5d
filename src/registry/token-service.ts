import type { Secret } from "../base/index.ts";
import {
  type HttpClient,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  readUpTo,
  type TlsSettings,
} from "../http/index.ts";
import { tokenServiceError } from "./answer-error.ts";
import { basicAuthorization } from "./basic-authorization.ts";
import { type Credential, credentialKey } from "./credential.ts";
import { realmAddressRefused, type RealmRules } from "./realm.ts";
import { RegistryError } from "./registry-error.ts";
import { parseTokenAnswer, type Token } from "./token.ts";

const MAX_ANSWER_BYTES = 128 * 1024;
const CLIENT_ID = "siflet";

/** What a registry wants to see for requests to one of its repositories, and who gives it. */
export interface TokenRequest {
  readonly rules: RealmRules;
  /** The token service, with the query that it came with. */
  readonly realm: URL;
  readonly service: string | undefined;
  /** What is asked for, always with what is done to the repository in it. */
  readonly scopes: readonly string[];
  /** Who asks; undefined: nobody in particular. */
  readonly credential: Exclude<Credential, { kind: "registry-token" }> | undefined;
  /** How the token service is to prove itself; as usual where undefined. */
  readonly tls: TlsSettings | undefined;
}

/** The same text for requests that the same token answers; it tells nothing of the credential. */
export function tokenKey({ rules, realm, service, scopes, credential }: TokenRequest): string {
  const who = credentialKey(credential);
  return JSON.stringify([rules.registry.origin, realm.href, service, scopes.toSorted(), who]);
}

/**
 * Asks a token service for a token, without following redirects: by GET, and by POST with a refresh
 * token.
 *
 * @throws RegistryError `REGISTRY_UNAUTHORIZED`, `REGISTRY_DENIED` or `REGISTRY_RATE_LIMITED` where
 *   it says so; `REGISTRY_REALM` where its address is none that the registry may name;
 *   `REGISTRY_TOKEN` where it is not reached or gives no token, or more than 128 KiB
 * @throws HttpError `HTTP_PROXY_INVALID`
 * @see registry.md §2.2 and §13.1; distribution, token and OAuth2 token specifications
 */
export async function fetchToken(
  client: HttpClient,
  wanted: TokenRequest,
  signal: AbortSignal,
): Promise<Token> {
  const { rules, realm, credential } = wanted;
  const noToken = (got: string): RegistryError =>
    new RegistryError(
      "REGISTRY_TOKEN",
      `${rules.called}: expected a token from the token service at ${realm.host}, got ${got}`,
    );
  try {
    const response = await ask(client, wanted, signal);
    if (response.status !== 200) {
      throw await tokenServiceError(response, rules.called, credential);
    }
    const { bytes, more } = await readUpTo(response, MAX_ANSWER_BYTES);
    if (more) throw noToken(`more than ${MAX_ANSWER_BYTES} bytes`);
    const token = parseTokenAnswer(bytes, client.clock.now());
    if (token === undefined) throw noToken("an answer without one");
    return token;
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === "HTTP_PROXY_INVALID") throw error;
    // Without a cause: the reader's own errors hold the bytes that it could not read.
    if (error.code !== "HTTP_ADDRESS_REFUSED") throw noToken(`none (${error.message})`);
    throw realmAddressRefused(rules, realm, error);
  }
}

async function ask(
  client: HttpClient,
  wanted: TokenRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { credential } = wanted;
  switch (credential?.kind) {
    case undefined:
      return await client.request(getRequest(wanted), signal);
    case "password": {
      const { username, password } = credential;
      return await client.request(getRequest(wanted, username, password), signal);
    }
    case "identity-token": {
      const response = await client.request(refreshRequest(wanted, credential.token), signal);
      if (response.status !== 404 && response.status !== 405) return response;
      // Services without the POST form take a refresh token for the password of this user.
      response.discard();
      return await client.request(getRequest(wanted, "<token>", credential.token), signal);
    }
  }
}

function getRequest(wanted: TokenRequest, username?: string, password?: Secret): HttpRequest {
  const headers =
    username === undefined || password === undefined
      ? {}
      : { authorization: basicAuthorization(username, password) };
  return { ...commonTo(wanted), method: "GET", url: tokenUrl(wanted, username), headers };
}

function refreshRequest(wanted: TokenRequest, token: Secret): HttpRequest {
  const { service, scopes, realm } = wanted;
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID });
  if (service !== undefined) form.set("service", service);
  form.set("scope", scopes.join(" "));
  form.set("refresh_token", token.reveal());
  return {
    ...commonTo(wanted),
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
  };
}

function commonTo({
  rules,
  tls,
}: TokenRequest): Pick<HttpRequest, "namedBy" | "maxRedirects" | "tls"> {
  return { namedBy: rules.registry, maxRedirects: 0, ...(tls && { tls }) };
}

/** The realm with what is asked for; by hand, since `searchParams` would rewrite its own query. */
function tokenUrl({ realm, service, scopes }: TokenRequest, account: string | undefined): URL {
  const asked = new URLSearchParams(service === undefined ? {} : { service });
  for (const scope of scopes) asked.append("scope", scope);
  if (account !== undefined) {
    asked.set("account", account);
    asked.set("client_id", CLIENT_ID);
  }
  const url = new URL(realm);
  const query = [url.search.slice(1), asked.toString()].filter((part) => part !== "").join("&");
  // With its "?": the first one of a query that begins with another one would be taken for it.
  url.search = `?${query}`;
  return url;
}
