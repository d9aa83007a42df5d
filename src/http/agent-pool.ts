import type { Agent } from "node:http";
import https from "node:https";
import type { Reach } from "./address-guard.ts";
import { http } from "./node-http.ts";
import { nodeTlsOptions, tlsKey, type TlsSettings } from "./tls-settings.ts";

export interface AgentPoolOptions {
  /** PEM certificates to trust besides those that Node trusts. */
  readonly ca?: readonly string[];
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
   * redirect from a loopback registry, must not carry what a stranger's redirect asks for. And by its
   * TLS settings: one made without a check must not carry what asks for one.
   *
   * @param proxy - undefined where the host is reached directly
   */
  get(url: URL, reach: Reach, tls?: TlsSettings, proxy?: URL): Agent {
    const key = `${url.protocol} ${reach} ${proxy?.href ?? "direct"} ${tlsKey(tls)}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#open(url.protocol === "https:", tls, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  /** Closes all connections, those in use too. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #open(secure: boolean, tls: TlsSettings | undefined, proxy: URL | undefined): Agent {
    const { ca = [] } = this.#options;
    // That the proxy is the right one was decided before: Node's own rules are to let it be.
    const proxyEnv = proxy && { [secure ? "HTTPS_PROXY" : "HTTP_PROXY"]: proxy.href };
    const options = { keepAlive: true, ...(proxyEnv !== undefined && { proxyEnv }) };
    if (!secure) return new http.Agent(options);
    return new https.Agent({ ...options, ...nodeTlsOptions(tls, ca) });
  }
}
