import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import { HttpError } from "./http-error.ts";
import { bareHost, isLoopbackHost } from "./plain-http.ts";

/** Environment variables. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/**
 * Which proxy a URL is reached through, by the rules of Go programs, which nodes are set up for:
 * `HTTPS_PROXY` for https and `HTTP_PROXY` for http, neither standing in for the other; `NO_PROXY` names
 * what is reached directly; loopback always is. Upper case comes before lower case, and an empty
 * variable counts as not set.
 *
 * Where Go goes directly after all, for a proxy that it cannot read, this refuses: a network that has a
 * proxy has it for a reason.
 *
 * @see Go, net/http.ProxyFromEnvironment and golang.org/x/net/http/httpproxy; registry.md §10.4
 */
export class ProxyRules {
  readonly #variables: ProxyVariables;
  #direct: ((url: URL) => boolean) | undefined;

  constructor(variables: ProxyVariables) {
    this.#variables = variables;
  }

  /**
   * The proxy for `url`: by http or https, with user info where it has some, and without a path.
   *
   * @returns undefined where there is none
   * @throws HttpError `HTTP_PROXY_INVALID`; the message shows nothing of the variable but its scheme
   */
  proxyFor(url: URL): URL | undefined {
    if (isLoopbackHost(url.hostname)) return undefined;
    const [name, value] = this.#chosen(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
    if (value === "") return undefined;
    this.#direct ??= directBy(this.#read("NO_PROXY")[1]);
    return this.#direct(url) ? undefined : parseProxy(name, value);
  }

  #chosen(name: "HTTPS_PROXY" | "HTTP_PROXY"): readonly [string, string] {
    // A CGI program has a header of its client there, `Proxy`, in upper case alone.
    if (name === "HTTP_PROXY" && this.#value("REQUEST_METHOD") !== "") {
      return ["http_proxy", this.#value("http_proxy")];
    }
    return this.#read(name);
  }

  #read(name: string): readonly [name: string, value: string] {
    const upper = this.#value(name);
    if (upper !== "") return [name, upper];
    return [name.toLowerCase(), this.#value(name.toLowerCase())];
  }

  #value(name: string): string {
    return (this.#variables[name] ?? "").trim();
  }
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

function parseProxy(name: string, value: string): URL {
  const scheme = SCHEME.exec(value)?.[1]?.toLowerCase() ?? "";
  if (scheme !== "" && scheme !== "http" && scheme !== "https") {
    const message = `${name}: expected a proxy by http or https, got one by ${scheme}`;
    throw new HttpError("HTTP_PROXY_INVALID", message);
  }
  const url = URL.parse(scheme === "" ? `http://${value}` : value);
  if (url === null) {
    throw new HttpError("HTTP_PROXY_INVALID", `${name}: expected the URL of a proxy`);
  }
  if (!isEncoded(url.username) || !isEncoded(url.password)) {
    const message = `${name}: expected user name and password with %XX for special characters`;
    throw new HttpError("HTTP_PROXY_INVALID", message);
  }
  const user = url.password === "" ? url.username : `${url.username}:${url.password}`;
  return new URL(`${url.protocol}//${user === "" ? "" : `${user}@`}${url.host}/`);
}

/** Node decodes them when it is too late to say which variable is wrong. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a host is named by an entry of `NO_PROXY`. */
type Entry = (host: string, port: string) => boolean;

function directBy(list: string): (url: URL) => boolean {
  const entries = list.split(",").map((text) => entryOf(text.trim().toLowerCase()));
  return (url) => {
    const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
    const host = bareHost(url.hostname).toLowerCase();
    return entries.some((names) => names(host, port));
  };
}

const NOTHING: Entry = () => false;

function entryOf(text: string): Entry {
  if (text === "*") return () => true;
  const subnet = subnetOf(text);
  if (subnet !== undefined) return (host) => isIP(host) !== 0 && subnet.check(host, familyOf(host));
  const { host: named, port: onPort } = splitPort(text);
  const isPort = (port: string): boolean => onPort === "" || port === onPort;
  if (isIP(named) !== 0) {
    const address = new BlockList();
    address.addAddress(named, familyOf(named));
    return (host, port) => isIP(host) !== 0 && address.check(host, familyOf(host)) && isPort(port);
  }
  const name = named.startsWith("*.") ? named.slice(1) : named;
  const domain = domainToASCII(name.replace(/^\./, ""));
  if (domain === "") return NOTHING;
  const isBelowOnly = name.startsWith(".");
  return (host, port) =>
    (host.endsWith(`.${domain}`) || (!isBelowOnly && host === domain)) && isPort(port);
}

function subnetOf(text: string): BlockList | undefined {
  const [, address = "", bits = ""] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), familyOf(address));
  return list;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

/** `NAME:PORT`, `[ADDRESS]:PORT` or either without a port; an IPv6 address may go without brackets. */
function splitPort(text: string): { readonly host: string; readonly port: string } {
  if (isIP(text) !== 0) return { host: text, port: "" };
  const [, host = text, port = ""] = /^(.*):(\d+)$/.exec(text) ?? [];
  return { host: bareHost(host), port };
}
