import { posix } from "node:path";
import { ProblemAt, type LocatedEntry, type LocatedMap } from "../base/index.ts";
import type { Capability } from "../registry/index.ts";
import { HostsError } from "./hosts-error.ts";
import { parseGoDuration } from "./go-duration.ts";
import { parseHeaders } from "./parse-headers.ts";
import { booleanIn, entriesIn, listIn, parseToml, refusal, textIn } from "../toml/index.ts";

/** A file that is named, as it is written, and the line where. */
export interface NamedFile {
  readonly path: string;
  readonly line: number;
}

/** A certificate to show, and its key; where no key is named the certificate's file holds it. */
export interface NamedPair {
  readonly certificate: NamedFile;
  readonly key: NamedFile | undefined;
}

/** What a hosts.toml says of one host. */
export interface HostSettings {
  readonly can: ReadonlySet<Capability>;
  readonly ca: readonly NamedFile[];
  readonly clients: readonly NamedPair[];
  readonly skipVerify: boolean;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long connecting may take; undefined where the usual holds. */
  readonly connectMs: number | undefined;
}

/** A host that is named, with a slash at the end of its API's URL. */
export interface NamedHost extends HostSettings {
  readonly api: URL;
}

/** One hosts.toml. */
export interface HostsFile {
  /** In the order of the file. */
  readonly mirrors: readonly NamedHost[];
  /** The registry itself, or what stands for it; without `api` where the file does not say. */
  readonly upstream: HostSettings & { readonly api: URL | undefined };
}

/**
 * Reads the text of a containerd `hosts.toml`. Where containerd passes over what it does not know,
 * this refuses it: a misspelt `capabilities` would let a mirror say what a tag means.
 *
 * @param path - the file, for messages
 * @throws HostsError `REGISTRY_CONFIG`, for the first thing that is wrong
 * @see containerd, docs/hosts.md; registry.md §10.1
 */
export function parseHostsToml(text: string, path: string): HostsFile {
  try {
    return hostsOf(parseToml(text));
  } catch (error) {
    if (!(error instanceof ProblemAt)) throw error;
    throw new HostsError("REGISTRY_CONFIG", `${path}:${error.line}: ${error.message}`, {
      cause: error,
    });
  }
}

const HOST_KEYS = [
  "capabilities",
  "ca",
  "client",
  "skip_verify",
  "header",
  "override_path",
  "dial_timeout",
] as const;

const ROOT_KEYS = ["server", "host", ...HOST_KEYS];

function hostsOf(root: LocatedMap): HostsFile {
  const entries = keysOf(root, ROOT_KEYS, "");
  const server = entries.get("server");
  const overridesPath = booleanOf(entries, "override_path");
  const settings = settingsOf(entries);
  const host = entries.get("host");
  const mirrors = host === undefined ? [] : entriesIn(host.value, "host").map(mirrorOf);
  if (server !== undefined) {
    const api = apiOf(textIn(server.value, "server"), server.line, overridesPath);
    return { mirrors, upstream: { ...settings, api } };
  }
  // As containerd does: what the registry itself may be asked is not said without `server`.
  return { mirrors, upstream: { ...settings, can: ALL, api: undefined } };
}

function mirrorOf({ key, line, value }: LocatedEntry): NamedHost {
  const name = `host.${JSON.stringify(key)}`;
  if (value.kind !== "map") throw refusal(value, `${name}: expected a table`);
  const entries = keysOf(value, HOST_KEYS, `${name}.`);
  const api = apiOf(key, line, booleanOf(entries, "override_path"));
  return { ...settingsOf(entries), api };
}

type Entries = ReadonlyMap<string, LocatedEntry>;

/** @param prefix - of the keys, for messages */
function keysOf(map: LocatedMap, known: readonly string[], prefix: string): Entries {
  for (const { key, line } of map.entries) {
    if (known.includes(key)) continue;
    const shown = JSON.stringify(`${prefix}${key}`);
    throw new ProblemAt(line, `unknown key ${shown}: expected one of ${known.join(", ")}`);
  }
  return new Map(map.entries.map((entry) => [entry.key, entry]));
}

function settingsOf(entries: Entries): HostSettings {
  const header = entries.get("header");
  return {
    can: capabilitiesOf(entries.get("capabilities")),
    ca: filesOf(entries.get("ca")),
    clients: clientsOf(entries.get("client")),
    skipVerify: booleanOf(entries, "skip_verify"),
    headers: header === undefined ? {} : parseHeaders(header),
    connectMs: connectMsOf(entries.get("dial_timeout")),
  };
}

function booleanOf(entries: Entries, key: string): boolean {
  const entry = entries.get(key);
  return entry !== undefined && booleanIn(entry.value, key);
}

const ALL: ReadonlySet<Capability> = new Set(["pull", "resolve", "push", "referrers"]);

function capabilitiesOf(entry: LocatedEntry | undefined): ReadonlySet<Capability> {
  if (entry === undefined) return ALL;
  const can = listIn(entry.value, "capabilities").map((item) => {
    const word = textIn(item, "capabilities");
    const known = [...ALL].find((capability) => capability === word);
    if (known !== undefined) return known;
    throw refusal(item, `capabilities: expected some of ${[...ALL].join(", ")}`);
  });
  return can.length === 0 ? ALL : new Set(can);
}

function filesOf(entry: LocatedEntry | undefined): NamedFile[] {
  if (entry === undefined) return [];
  const { value, key } = entry;
  const items = value.kind === "list" ? value.items : [value];
  return items.map((item) => ({ path: textIn(item, key), line: item.line }));
}

/** A file with both, a list of such files, or a list of pairs. */
function clientsOf(entry: LocatedEntry | undefined): NamedPair[] {
  if (entry === undefined) return [];
  const { value, key } = entry;
  const items = value.kind === "list" ? value.items : [value];
  return items.map((item) => {
    const { line } = item;
    if (item.kind !== "list") {
      return { certificate: { path: textIn(item, key), line }, key: undefined };
    }
    const [certificate, secret, ...more] = item.items;
    if (certificate === undefined || more.length > 0) {
      throw refusal(item, `${key}: expected [certificate, key]`);
    }
    // An empty text is what containerd takes for no key.
    const hasKey = secret !== undefined && !(secret.kind === "scalar" && secret.value === "");
    return {
      certificate: { path: textIn(certificate, key), line },
      key: hasKey ? { path: textIn(secret, key), line } : undefined,
    };
  });
}

/** What a timer can hold. */
const MAX_MS = 2 ** 31 - 1;

function connectMsOf(entry: LocatedEntry | undefined): number | undefined {
  if (entry === undefined) return undefined;
  const ms = parseGoDuration(textIn(entry.value, entry.key));
  if (ms !== undefined && ms > 0 && ms <= MAX_MS) return Math.ceil(ms);
  throw refusal(entry.value, `${entry.key}: expected a duration such as "30s" or "1m30s"`);
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** The URL that all paths of the API are put behind. */
function apiOf(text: string, line: number, overridesPath: boolean): URL {
  // A text with a password in it is not shown.
  const got = text.includes("@") ? "one with @" : JSON.stringify(text);
  const expected = (what: string): ProblemAt =>
    new ProblemAt(line, `expected the URL of a host ${what}, got ${got}`);
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase() ?? "";
  if (scheme !== "" && scheme !== "https" && scheme !== "http") throw expected("by https or http");
  // Of what it would pass over or read as something else there is nothing in a host's URL.
  if (/[\s\\]/.test(text)) throw expected("without spaces and backslashes");
  const url = URL.parse(scheme === "" ? `https://${text}` : text);
  if (url === null) throw expected("as https://NAME[:PORT][/PATH]");
  if (url.username !== "" || url.password !== "") throw expected("without user info");
  if (/[?#]/.test(text)) throw expected("without ? and #");
  const path = posix.normalize(url.pathname).replace(/\/+$/, "");
  url.pathname = overridesPath || path.endsWith("/v2") ? `${path}/` : `${path}/v2/`;
  return url;
}
