import { SingleFlight, Secret } from "../base/index.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../http/index.ts";
import { basicAuthorization } from "./basic-authorization.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { type Credential, credentialKey, type Credentials } from "./credential.ts";
import { checkRealmTrust, realmOf } from "./realm.ts";
import type { RegistryEndpoint } from "./registry-endpoint.ts";
import { type Actions, mergeScopes, repositoryScope } from "./scope.ts";
import { fetchToken, tokenKey, type TokenRequest } from "./token-service.ts";
import type { Token } from "./token.ts";

/** For one request, however often its registry asks for another one. */
const MAX_ANSWERS = 5;
// A bound only: what is forgotten is asked for again.
const MAX_REMEMBERED = 1000;
/** A helper's answer is believed so long, unless it is refused before. */
const MAX_CREDENTIAL_AGE_MS = 3600 * 1000;

/** What is asked of a host; the authenticator itself decides on credentials. */
export type RegistryRequest = Omit<
  HttpRequest,
  "headersFor" | "namedBy" | "tls" | "connectMs" | "plainHttp"
>;

/** Who asks a host, and about what. */
export interface RegistryCaller {
  readonly endpoint: RegistryEndpoint;
  /** Undefined: about none in particular. */
  readonly repository: string | undefined;
  /** The repository, or the host, as messages name it. */
  readonly called: string;
  readonly actions: Actions;
  readonly credentials: Credentials;
}

/** A host's answer, and as whom it was asked; undefined: as nobody in particular. */
export interface RegistryAnswer {
  readonly response: HttpResponse;
  readonly who: Credential | undefined;
}

export interface AuthenticatorOptions {
  /**
   * Hosts (`name[:port]`) of token services that may see the credentials of the registry at `host`,
   * besides those under its own domain.
   */
  readonly realmsOf?: (host: string) => readonly string[];
}

/** What a challenge is answered with. */
type Reply = { readonly key: string; readonly credential: Credential | undefined } & (
  | { readonly kind: "token"; readonly wanted: TokenRequest }
  | { readonly kind: "header"; readonly authorization: Secret }
);

/**
 * Sends requests to registries with what they want to see: a user name and password, or a token,
 * which it gets from the token services that they name. One for all sources of a client: tokens are
 * kept until shortly before they expire, and one is asked for once, however many need it.
 *
 * What it sends goes to the origin of the host that asked for it, and nowhere else.
 *
 * @see registry.md §2 (authentication), §13.1 (realms and redirects)
 */
export class Authenticator {
  readonly #client: HttpClient;
  readonly #realmsOf: (host: string) => readonly string[];
  readonly #tokens: Map<string, Token> = new Map<string, Token>();
  readonly #exchanges: SingleFlight<Token> = new SingleFlight<Token>();
  /** What each caller's host wanted last, so that the next request brings it along. */
  readonly #wanted: Map<string, Reply> = new Map<string, Reply>();
  readonly #credentials: FoundCredentials;

  constructor(client: HttpClient, { realmsOf = () => [] }: AuthenticatorOptions = {}) {
    this.#client = client;
    this.#realmsOf = realmsOf;
    this.#credentials = new FoundCredentials(() => client.clock.now());
  }

  /**
   * Sends `request`, and answers the challenges of the caller's host, each once and no more than five.
   * To another host (one that an answer named) it goes without anything of the caller's.
   *
   * @returns the final answer; one with status 401 when nothing helps or nothing can be had
   * @throws RegistryError as `fetchToken`, `realmOf` and `checkRealmTrust` do
   * @throws HttpError with any of its codes, for the request itself
   * @throws whatever the caller's credentials throw
   */
  async request(
    request: RegistryRequest,
    caller: RegistryCaller,
    signal: AbortSignal,
  ): Promise<RegistryAnswer> {
    const { endpoint } = caller;
    const { url } = request;
    if (url.origin !== endpoint.api.origin) {
      const response = await this.#client.request({ ...request, namedBy: endpoint.api }, signal);
      return { response, who: undefined };
    }
    const place = this.#placeOf(caller);
    const answered = new Set<string>();
    // Its own challenge first: another request for the repository may want another token.
    let own: Reply | undefined;
    while (true) {
      const wanted = own ?? this.#wanted.get(place);
      let token: Token | undefined;
      const headersFor = onlyAtHome(url, async (hopSignal) => {
        if (wanted === undefined) return endpoint.headers;
        if (wanted.kind === "header") {
          return { ...endpoint.headers, authorization: wanted.authorization.reveal() };
        }
        token = await this.#token(wanted, hopSignal);
        return { ...endpoint.headers, authorization: `Bearer ${token.secret.reveal()}` };
      });
      const sent = { ...request, ...connectionTo(endpoint), headersFor };
      const response = await this.#client.request(sent, signal);
      // The 401 of a server that we were redirected to is not one to answer.
      if (response.status !== 401 || response.url.origin !== url.origin) {
        return { response, who: wanted?.credential };
      }
      own = await this.#replyTo(response, caller, signal);
      if (own === undefined || answered.has(own.key) || answered.size === MAX_ANSWERS) {
        this.#credentials.forget(caller);
        return { response, who: (own ?? wanted)?.credential };
      }
      response.discard();
      answered.add(own.key);
      // Unless it was renewed meanwhile: then the new one is what answers.
      if (token !== undefined && this.#tokens.get(own.key) === token) this.#tokens.delete(own.key);
      remember(this.#wanted, place, own);
    }
  }

  #placeOf(caller: RegistryCaller): string {
    const { endpoint, repository, actions } = caller;
    return JSON.stringify([
      this.#credentials.keyOf(caller),
      endpoint.api.href,
      endpoint.namespace,
      repository,
      actions,
    ]);
  }

  async #token({ key, wanted }: Reply & { kind: "token" }, signal: AbortSignal): Promise<Token> {
    const known = this.#tokens.get(key);
    if (known !== undefined && this.#client.clock.now() < known.renewAtMs) return known;
    const exchange = async (shared: AbortSignal): Promise<Token> => {
      const token = await fetchToken(this.#client, wanted, shared);
      remember(this.#tokens, key, token);
      return token;
    };
    return await this.#exchanges.run(key, exchange, signal);
  }

  /** What answers a 401; undefined where the caller has nothing that could. */
  async #replyTo(
    response: HttpResponse,
    caller: RegistryCaller,
    signal: AbortSignal,
  ): Promise<Reply | undefined> {
    try {
      const header = response.headers["www-authenticate"];
      const challenges =
        header === undefined
          ? await this.#generalChallenges(caller.endpoint, signal)
          : parseChallenges(header);
      const bearer = challenges.find(({ scheme }) => scheme === "bearer");
      if (bearer !== undefined) return await this.#bearerReply(bearer, caller, signal);
      if (!challenges.some(({ scheme }) => scheme === "basic")) return undefined;
      const credential = await this.#credentials.find(caller, signal);
      if (credential?.kind !== "password") return undefined;
      const authorization = basicAuthorization(credential.username, credential.password);
      return headerReply(authorization, credential);
    } catch (error) {
      response.discard();
      throw error;
    }
  }

  async #bearerReply(
    challenge: Challenge,
    caller: RegistryCaller,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { endpoint, called } = caller;
    const credential = await this.#credentials.find(caller, signal);
    if (credential?.kind === "registry-token") {
      return headerReply(`Bearer ${credential.token.reveal()}`, credential);
    }
    const rules = {
      registry: endpoint.api,
      called,
      allowsPlainHttp: (host: string) =>
        this.#client.allowsPlainHttp(host) ||
        (endpoint.api.protocol === "http:" && host === endpoint.api.host),
    };
    const realm = realmOf(challenge, rules);
    if (credential !== undefined) {
      await checkRealmTrust(rules, realm, this.#realmsOf(endpoint.credentialHost));
    }
    const wanted: TokenRequest = {
      rules,
      realm,
      service: challenge.parameters.get("service")?.[0],
      scopes: scopesOf(challenge, caller),
      credential,
      tls: tlsFor(realm, endpoint),
    };
    return { kind: "token", key: tokenKey(wanted), wanted, credential };
  }

  /** The challenges of the registry as a whole, for those that only there say what they want. */
  async #generalChallenges(
    endpoint: RegistryEndpoint,
    signal: AbortSignal,
  ): Promise<readonly Challenge[]> {
    const { api } = endpoint;
    const headersFor = onlyAtHome(api, () => Promise.resolve(endpoint.headers));
    const request = { method: "GET", url: api, ...connectionTo(endpoint), headersFor } as const;
    const response = await this.#client.request(request, signal);
    response.discard();
    if (response.status !== 401 || response.url.origin !== api.origin) return [];
    // Its scope, where there is one, is an example's (ghcr.io) and not our repository's.
    return parseChallenges(response.headers["www-authenticate"] ?? "").map((challenge) => ({
      ...challenge,
      parameters: new Map([...challenge.parameters].filter(([name]) => name !== "scope")),
    }));
  }
}

function headerReply(authorization: string, credential: Credential): Reply {
  const key = `header ${credentialKey(credential)}`;
  return { kind: "header", key, authorization: new Secret(authorization), credential };
}

function scopesOf(
  challenge: Challenge,
  { endpoint, repository, actions }: RegistryCaller,
): readonly string[] {
  const challenged = (challenge.parameters.get("scope") ?? []).flatMap((list) =>
    list.split(" ").filter((scope) => scope !== ""),
  );
  // A path of its own (`override_path`) may mean that it calls the repository by another name.
  const isOwnName = endpoint.api.pathname === "/v2/" || challenged.length === 0;
  const own = repository === undefined || !isOwnName ? [] : [repositoryScope(repository, actions)];
  // The challenged ones first: there are services that heed no other.
  return mergeScopes([...challenged, ...own]);
}

function connectionTo({
  api,
  tls,
  connectMs,
  namedBy,
}: RegistryEndpoint): Pick<HttpRequest, "tls" | "connectMs" | "plainHttp" | "namedBy"> {
  return {
    ...(tls && { tls }),
    ...(connectMs !== undefined && { connectMs }),
    ...(namedBy && { namedBy }),
    // The operator wrote it so; of a server that is no leave.
    plainHttp: api.protocol === "http:" && namedBy === undefined,
  };
}

/** Another host is neither shown the registry's client certificate nor believed without a check. */
function tlsFor(realm: URL, { api, tls }: RegistryEndpoint): TokenRequest["tls"] {
  if (tls === undefined || realm.hostname === api.hostname) return tls;
  return tls.ca === undefined ? undefined : { ca: tls.ca };
}

/** Credentials as they were found, by who knows them and for what. */
class FoundCredentials {
  readonly #now: () => number;
  readonly #keys: WeakMap<Credentials, number> = new WeakMap<Credentials, number>();
  readonly #found: Map<
    string,
    { readonly at: number; readonly credential: Credential | undefined }
  > = new Map<string, { at: number; credential: Credential | undefined }>();
  readonly #lookUps: SingleFlight<Credential | undefined> = new SingleFlight<
    Credential | undefined
  >();
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The same text for callers whose credentials are the same, and for no others. */
  keyOf({ endpoint, repository, credentials }: RegistryCaller): string {
    let key = this.#keys.get(credentials);
    if (key === undefined) {
      key = this.#last += 1;
      this.#keys.set(credentials, key);
    }
    return JSON.stringify([key, endpoint.credentialHost, repository]);
  }

  async find(caller: RegistryCaller, signal: AbortSignal): Promise<Credential | undefined> {
    const key = this.keyOf(caller);
    const known = this.#found.get(key);
    if (known !== undefined && this.#now() - known.at < MAX_CREDENTIAL_AGE_MS) {
      return known.credential;
    }
    const { endpoint, repository = "", credentials } = caller;
    const place = { host: endpoint.credentialHost, repository };
    const lookUp = async (shared: AbortSignal): Promise<Credential | undefined> => {
      const credential = await credentials.find(place, shared);
      remember(this.#found, key, { at: this.#now(), credential });
      return credential;
    };
    return await this.#lookUps.run(key, lookUp, signal);
  }

  /** The next call looks again. */
  forget(caller: RegistryCaller): void {
    this.#found.delete(this.keyOf(caller));
  }
}

/**
 * Gives the headers to the hops on the origin of `home`, up to the first one elsewhere: a foreign
 * server must not send us home with a token.
 */
function onlyAtHome(
  home: URL,
  headers: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>,
): NonNullable<HttpRequest["headersFor"]> {
  let away = false;
  return async (url, signal) => {
    // The client tries again from the first URL on.
    away = url.href !== home.href && (away || url.origin !== home.origin);
    return away ? {} : await headers(signal);
  };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MAX_REMEMBERED) map.clear();
  map.set(key, value);
}
