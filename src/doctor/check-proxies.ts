import { HttpError, ProxyRules } from "../http/index.ts";
import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";

const BASE = { topic: "registries", check: "proxy" } as const;

/** The proxies that registries are reached through; nothing of them but their hosts is shown. */
export function proxyFindings({ variables }: Host): Finding[] {
  // What NO_PROXY leaves out is not what is asked here.
  const rules = new ProxyRules({ ...variables, NO_PROXY: "", no_proxy: "" });
  const schemes = ["https", "http"] as const;
  return schemes.flatMap((scheme): readonly Finding[] => {
    try {
      const proxy = rules.proxyFor(new URL(`${scheme}://registry.example/`));
      if (proxy === undefined) return [];
      const text = `registries by ${scheme} are reached through the proxy ${proxy.host}`;
      return [{ ...BASE, status: "ok", text, facts: { scheme, proxy: proxy.host } }];
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const remedy = "correct the variable, or name what is reached without it in NO_PROXY";
      return [{ ...BASE, status: "problem", text: error.message, remedy }];
    }
  });
}
