import { lookup } from "node:dns/promises";
import { addressMatcher } from "../base/index.ts";
import {
  type AddressKind,
  guardedLookup,
  type Reach,
  reachFrom,
  type Resolve,
} from "./address-guard.ts";
import { AgentPool, type AgentPoolOptions } from "./agent-pool.ts";
import { exchange } from "./exchange.ts";
import { DEFAULT_TIMEOUTS, type Method, nameOf, type RequestBody, type Timeouts } from "./hop.ts";
import { HttpError } from "./http-error.ts";
import { allowsPlainHttp } from "./plain-http.ts";
import { ProxyRules, type ProxyVariables } from "./proxy-rules.ts";
import { checkRedirect, redirectTarget, survivingHeaders } from "./redirect.ts";
import type { HttpResponse } from "./response.ts";
import type { TlsSettings } from "./tls-settings.ts";
import {
  backoffMs,
  type Clock,
  DEFAULT_RETRY,
  isRetriedStatus,
  parseRetryAfter,
  type RetryPolicy,
} from "./retry.ts";

export interface HttpClientOptions extends AgentPoolOptions {
  /** `name/version`, sent to every server. */
  readonly userAgent: string;
  /** Hosts (`name[:port]`) besides loopback that plain http may be spoken to. */
  readonly plainHttpHosts: readonly string[];
  readonly clock: Clock;
  /** Milliseconds on a clock that only goes forward; the process's own where absent. */
  readonly elapsedMs?: () => number;
  /** At least 0, below 1; for the jitter of retries. */
  readonly random: () => number;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` in either case; see `ProxyRules`. */
  readonly proxyEnv?: ProxyVariables;
  /** `DEFAULT_TIMEOUTS` where absent. */
  readonly timeouts?: Timeouts;
  /** `DEFAULT_RETRY` where absent. */
  readonly retry?: RetryPolicy;
  /**
   * IP addresses and subnets that servers may name in redirects, realms and the like, besides public
   * ones; none where absent.
   */
  readonly serverNamedAddresses?: readonly string[];
  /** Looks up host names; the system's resolver where absent. */
  readonly resolve?: Resolve;
}

export interface HttpRequest {
  readonly method: Method;
  /**
   * https, or http where `allowsPlainHttp` says so or `plainHttp` is set. Named by the user where
   * `namedBy` is absent.
   */
  readonly url: URL;
  readonly body?: RequestBody;
  /** For the origin of `url` alone. */
  readonly tls?: TlsSettings;
  /** For the origin of `url` alone; the client's own where absent. */
  readonly connectMs?: number;
  /** The operator wrote this very URL with http. */
  readonly plainHttp?: boolean;
  /** Times in all that it is sent; as the client's policy says where absent. */
  readonly tries?: number;
  /**
   * The user's own URL whose server named `url`: it is then connected to only where a redirect
   * from there might lead.
   */
  readonly namedBy?: URL;
  /** Redirects to follow, 10 where absent; one more is `HTTP_REDIRECT`. */
  readonly maxRedirects?: number;
  /** By lower-case name. On another origin only those remain that mean the same to everybody. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Headers for one hop alone, credentials above all: asked anew before each hop with its URL, the
   * hops on other origins included, so that the answer can depend on the origin.
   */
  readonly headersFor?: (
    url: URL,
    signal: AbortSignal,
  ) => Promise<Readonly<Record<string, string>>>;
}

const MAX_REDIRECTS = 10;
// A bound only: forgetting a host costs nothing but that its redirects must lead to public hosts.
const MAX_KNOWN_HOSTS = 1000;

/**
 * Asks HTTP servers: keeps connections alive, tries again what may succeed on another try, follows
 * redirects without taking credentials along, and connects only to where it may. Disposing it
 * closes all its connections, and what is still under way on them fails.
 *
 * @see registry.md §1.1 (redirects), §9.1 (retries), §13.1 (addresses)
 */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpClientOptions;
  readonly #timeouts: Timeouts;
  readonly #retry: RetryPolicy;
  readonly #resolve: Resolve;
  readonly #agents: AgentPool;
  readonly #isAllowed: (address: string) => boolean;
  readonly #proxies: ProxyRules;
  readonly #kinds: Map<string, readonly AddressKind[]> = new Map<string, readonly AddressKind[]>();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#agents = new AgentPool(options);
    this.#proxies = new ProxyRules(options.proxyEnv ?? {});
    this.#timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
    this.#retry = options.retry ?? DEFAULT_RETRY;
    this.#isAllowed = addressMatcher(options.serverNamedAddresses ?? []);
    this.#resolve = options.resolve ?? ((hostname) => lookup(hostname, { all: true }));
  }

  /** The time that the client goes by. */
  get clock(): Clock {
    return this.#options.clock;
  }

  /** At least 0, below 1; for the jitter of retries. */
  get random(): () => number {
    return this.#options.random;
  }

  /** Whether this client speaks plain http to `host` (`name[:port]`). */
  allowsPlainHttp(host: string): boolean {
    return allowsPlainHttp(host, this.#options.plainHttpHosts);
  }

  /**
   * Sends a request and returns the final answer's status and headers, whatever the status is.
   * Refused or cut connections, timeouts and the statuses 408, 425, 429, 500, 502, 503 and 504 are
   * tried again, from the first URL on; when no try helps, the last answer is returned or the last
   * error thrown. A body that is cut is for the reader to deal with.
   *
   * @throws HttpError with any of its codes
   */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    for (let number = 2; ; number++) {
      const last = number > (request.tries ?? this.#retry.tries);
      let delayMs = backoffMs(this.#retry, number, this.#options.random());
      try {
        const response = await this.#follow(request, signal);
        if (last || !isRetriedStatus(response.status)) return response;
        const now = this.#options.clock.now();
        const asked = parseRetryAfter(response.headers["retry-after"], now);
        if (asked !== undefined && asked > this.#retry.maxRetryAfterMs) return response;
        delayMs = asked ?? delayMs;
        response.discard();
      } catch (error) {
        if (last || !(error instanceof HttpError) || !error.retryable) throw error;
      }
      await this.#options.clock.sleep(delayMs, signal);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#agents.destroy();
    return Promise.resolve();
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    let { url } = request;
    const mayBePlain = request.plainHttp === true || this.allowsPlainHttp(url.host);
    if (url.protocol === "http:" && !mayBePlain) {
      throw new HttpError(
        "HTTP_PROTOCOL",
        `${nameOf(request)}: expected https, for ${url.host} is neither loopback nor named for plain http`,
      );
    }
    const named = request.namedBy ?? url;
    const maxRedirects = request.maxRedirects ?? MAX_REDIRECTS;
    let headers = request.headers ?? {};
    for (let redirects = 0; ; redirects++) {
      const own = (await request.headersFor?.(url, signal)) ?? {};
      const reach = url.origin === named.origin ? "named" : this.#reachFrom(named);
      const all = { ...headers, ...own };
      const response = await this.#send(request, url, all, reach, signal);
      const target = redirectTarget(response, request.method);
      if (target === undefined) return response;
      response.discard();
      if (redirects === maxRedirects) {
        const got = maxRedirects === 0 ? "a redirect" : `more than ${maxRedirects} redirects`;
        throw new HttpError("HTTP_REDIRECT", `${nameOf(request)}: expected an answer, got ${got}`);
      }
      const isOwn = (host: string): boolean =>
        request.plainHttp === true && host === request.url.host;
      checkRedirect(url, target, (host) => isOwn(host) || this.allowsPlainHttp(host));
      // Once dropped they stay dropped: a foreign server must not send us home with credentials.
      if (target.origin !== url.origin) headers = survivingHeaders(headers);
      url = target;
    }
  }

  async #send(
    { method, url: first, body, tls, connectMs }: HttpRequest,
    url: URL,
    headers: Readonly<Record<string, string>>,
    reach: Reach,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const isFirst = url.origin === first.origin;
    const proxy = this.#proxies.proxyFor(url);
    const hop = {
      method,
      url,
      body,
      headers: {
        "user-agent": this.#options.userAgent,
        // The digest is over the stored bytes, and what decoding makes of them has no bound.
        "accept-encoding": "identity",
        ...headers,
      },
      agent: this.#agents.get(url, reach, isFirst ? tls : undefined, proxy),
      proxy,
      // With a proxy only the URL is looked at: the proxy is who asks for names.
      lookup: guardedLookup(
        url,
        reach,
        this.#resolve,
        (kinds) => {
          if (reach !== "named") return;
          if (this.#kinds.size >= MAX_KNOWN_HOSTS) this.#kinds.clear();
          this.#kinds.set(url.hostname, kinds);
        },
        this.#isAllowed,
      ),
      timeouts:
        isFirst && connectMs !== undefined ? { ...this.#timeouts, connectMs } : this.#timeouts,
      elapsedMs: this.#options.elapsedMs ?? (() => performance.now()),
    };
    return await exchange(hop, signal);
  }

  #reachFrom(named: URL): Reach {
    return reachFrom(this.#kinds.get(named.hostname) ?? []);
  }
}
