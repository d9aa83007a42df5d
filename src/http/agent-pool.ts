import type { Agent } from "node:http";
import https from "node:https";
import tls from "node:tls";
import type { Reach } from "./address-guard.ts";
import { HttpError } from "./http-error.ts";
import { http } from "./node-http.ts";
import { isLoopbackHost } from "./plain-http.ts";

export interface AgentPoolOptions {
  /** PEM certificates to trust besides those that Node trusts. */
  readonly ca?: readonly string[];
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` in either case; never used for loopback hosts. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>;
}

/** The connections that are kept alive, apart by all that decides what they may be used for. */
export class AgentPool {
  readonly #options: AgentPoolOptions;
  readonly #agents: Map<string, Agent> = new Map<string, Agent>();

  constructor(options: AgentPoolOptions) {
    this.#options = options;
  }

  /**
   * The agent for a hop. By its reach too: a connection made for the user's own host, or for a
   * redirect from a loopback registry, must not carry what a stranger's redirect asks for.
   *
   * @throws HttpError `HTTP_PROXY_INVALID`
   */
  get(url: URL, reach: Reach): Agent {
    const proxied = !isLoopbackHost(url.hostname) && this.#options.proxyEnv !== undefined;
    const key = `${url.protocol} ${reach} ${proxied ? "proxy" : "direct"}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#open(url.protocol === "https:", proxied);
    this.#agents.set(key, agent);
    return agent;
  }

  /** Closes all connections, those in use too. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #open(secure: boolean, proxied: boolean): Agent {
    const { ca, proxyEnv } = this.#options;
    const options = {
      keepAlive: true,
      ...(proxied && proxyEnv !== undefined && { proxyEnv: { ...proxyEnv } }),
    };
    try {
      if (!secure) return new http.Agent(options);
      // `ca` replaces the certificates that Node trusts, so they are named too.
      return new https.Agent({
        ...options,
        ...(ca !== undefined && { ca: [...tls.getCACertificates("default"), ...ca] }),
      });
    } catch (error) {
      if (!proxied) throw error;
      // Without a cause: Node's own error quotes the setting with the password in it.
      throw new HttpError(
        "HTTP_PROXY_INVALID",
        `${secure ? "HTTPS_PROXY" : "HTTP_PROXY"}: expected the URL of a proxy`,
      );
    }
  }
}
