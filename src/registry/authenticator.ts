import { SingleFlight } from "../base/index.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../http/index.ts";
import { type ImageName, repositoryName } from "../image/index.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { fetchToken, type Repository, tokenRequest, type TokenRequest } from "./token-service.ts";
import type { Token } from "./token.ts";

/** For one request, however often its registry asks for another one. */
const MAX_TOKENS = 5;
// A bound only: what is forgotten is asked for again.
const MAX_REMEMBERED = 1000;

/** What is asked of a registry; the authenticator itself decides on credentials. */
export type RegistryRequest = Omit<HttpRequest, "headersFor" | "namedBy">;

/**
 * Sends requests to registries with the tokens that they want to see, which it gets as nobody in
 * particular from the token services that they name. One for all sources of a client: tokens are
 * kept until shortly before they expire, and one is asked for once, however many need it.
 *
 * A token goes to the origin of the registry that asked for it, and nowhere else.
 *
 * @see registry.md §2 (authentication), §13.1 (realms and redirects)
 */
export class Authenticator {
  readonly #client: HttpClient;
  readonly #tokens: Map<string, Token> = new Map<string, Token>();
  readonly #exchanges: SingleFlight<Token> = new SingleFlight<Token>();
  /** What each repository wanted last, so that the next request for it brings it along. */
  readonly #wanted: Map<string, TokenRequest> = new Map<string, TokenRequest>();

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /**
   * Sends `request`, which is about the repository of `name`, and answers the registry's challenges
   * with one new token each and no more than five.
   *
   * @returns the final answer; one with status 401 when no token helps or none can be had
   * @throws RegistryError as `fetchToken` and `tokenRequest` do
   * @throws HttpError with any of its codes, for the request itself
   */
  async request(
    request: RegistryRequest,
    name: Pick<ImageName, "domain" | "repository">,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const repository = { path: name.repository, called: repositoryName(name) };
    const { url } = request;
    const place = `${url.origin} ${name.repository}`;
    const answered = new Set<string>();
    // Its own challenge first: another request for the repository may want another token.
    let own: TokenRequest | undefined;
    while (true) {
      const wanted = own ?? this.#wanted.get(place);
      let token: Token | undefined;
      const headersFor = onlyAtHome(url, async (hopSignal) => {
        if (wanted === undefined) return {};
        token = await this.#token(wanted, repository, hopSignal);
        return { authorization: `Bearer ${token.secret.reveal()}` };
      });
      const response = await this.#client.request({ ...request, headersFor }, signal);
      // The 401 of a server that we were redirected to is not one to answer.
      if (response.status !== 401 || response.url.origin !== url.origin) return response;
      own = await this.#challenge(response, url, repository, signal);
      if (own === undefined || answered.has(own.key) || answered.size === MAX_TOKENS) {
        return response;
      }
      response.discard();
      answered.add(own.key);
      // Unless it was renewed meanwhile: then the new one is what answers.
      if (token !== undefined && this.#tokens.get(own.key) === token) this.#tokens.delete(own.key);
      remember(this.#wanted, place, own);
    }
  }

  async #token(wanted: TokenRequest, repository: Repository, signal: AbortSignal): Promise<Token> {
    const known = this.#tokens.get(wanted.key);
    if (known !== undefined && this.#client.clock.now() < known.renewAtMs) return known;
    const exchange = async (shared: AbortSignal): Promise<Token> => {
      const token = await fetchToken(this.#client, wanted, repository, shared);
      remember(this.#tokens, wanted.key, token);
      return token;
    };
    return await this.#exchanges.run(wanted.key, exchange, signal);
  }

  /** What a 401 asks for; undefined where it is nothing that an anonymous caller can get. */
  async #challenge(
    response: HttpResponse,
    url: URL,
    repository: Repository,
    signal: AbortSignal,
  ): Promise<TokenRequest | undefined> {
    try {
      const header = response.headers["www-authenticate"];
      const challenge =
        header === undefined ? await this.#generalChallenge(url, signal) : bearerOf(header);
      return (
        challenge &&
        tokenRequest(challenge, url, repository, (host) => this.#client.allowsPlainHttp(host))
      );
    } catch (error) {
      response.discard();
      throw error;
    }
  }

  /** The challenge of the registry as a whole, for those that only there say what they want. */
  async #generalChallenge(url: URL, signal: AbortSignal): Promise<Challenge | undefined> {
    const root = new URL("/v2/", url);
    const response = await this.#client.request({ method: "GET", url: root }, signal);
    response.discard();
    const header = response.headers["www-authenticate"];
    if (response.status !== 401 || response.url.origin !== url.origin) return undefined;
    const challenge = header === undefined ? undefined : bearerOf(header);
    if (challenge === undefined) return undefined;
    // Its scope, where there is one, is an example's (ghcr.io) and not our repository's.
    const parameters = [...challenge.parameters].filter(([name]) => name !== "scope");
    return { ...challenge, parameters: new Map(parameters) };
  }
}

function bearerOf(header: string): Challenge | undefined {
  return parseChallenges(header).find(({ scheme }) => scheme === "bearer");
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
