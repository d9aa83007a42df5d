import { BlockList, isIP } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** A URL's host name without the brackets that IPv6 addresses wear there. */
export function bareHost(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** Whether `hostname` (a name, or an address with or without brackets) is this machine by its spelling. */
export function isLoopbackHost(hostname: string): boolean {
  // With a dot at its end a name is the same name.
  const host = bareHost(hostname).toLowerCase().replace(/\.$/, "");
  const family = isIP(host);
  if (family !== 0) return LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
  return host === "localhost" || host.endsWith(".localhost");
}

/**
 * Whether plain http may be spoken to `host` (`name[:port]`): loopback on any port but 443, or one
 * of the operator's `named` hosts. Private addresses are not enough: their networks have listeners.
 *
 * @see registry.md §10.6
 */
export function allowsPlainHttp(host: string, named: readonly string[]): boolean {
  // The URL parser is the one that decides what is host and what is port.
  const url = URL.parse(`http://${host}/`);
  if (url === null || url.pathname !== "/" || url.username !== "") return false;
  if (isLoopbackHost(url.hostname) && url.port !== "443") return true;
  return named.some((name) => URL.parse(`http://${name}/`)?.host === url.host);
}
