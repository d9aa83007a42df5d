import { ProblemAt, type LocatedEntry, type LocatedMap, type LocatedValue } from "../base/index.ts";
import { HostsError } from "./hosts-error.ts";
import { booleanIn, entriesIn, listIn, parseToml, textIn } from "../toml/index.ts";

/** What a `registries.conf` says of the registries and repositories that begin with `prefix`. */
export interface RegistryRule {
  /** `HOST[:PORT][/PATH]`, or `*.DOMAIN` for all hosts below one; the host in lower case. */
  readonly prefix: string;
  readonly isBlocked: boolean;
  readonly line: number;
}

/** Something that siflet does not follow. */
export interface UnreadSetting {
  readonly what: string;
  /** Where it stands first. */
  readonly line: number;
}

/** One `registries.conf`, or a file beside it. */
export interface RegistriesConf {
  /** In the order of the file. */
  readonly rules: readonly RegistryRule[];
  readonly unread: readonly UnreadSetting[];
  /** Whether it is of the form that Podman no longer reads. */
  readonly isVersion1: boolean;
}

/**
 * Reads the text of a containers `registries.conf`. What is unknown is passed over, as its own
 * readers do; what decides whether a registry is blocked is not.
 *
 * @param path - the file, for messages
 * @throws HostsError `REGISTRY_CONFIG`
 * @see containers-registries.conf(5); registry.md §10.3
 */
export function parseRegistriesConf(text: string, path: string): RegistriesConf {
  try {
    const root = parseToml(text);
    const entries = new Map(root.entries.map((entry) => [entry.key, entry]));
    return {
      rules: [...rulesOf(entries.get("registry")), ...oldRulesOf(entries.get("registries"))],
      unread: unreadIn(root),
      isVersion1: entries.has("registries"),
    };
  } catch (error) {
    if (!(error instanceof ProblemAt)) throw error;
    throw new HostsError("REGISTRY_CONFIG", `${path}:${error.line}: ${error.message}`, {
      cause: error,
    });
  }
}

function rulesOf(entry: LocatedEntry | undefined): RegistryRule[] {
  if (entry === undefined) return [];
  return listIn(entry.value, entry.key).map((item) => {
    const keys = new Map(entriesIn(item, "registry").map((member) => [member.key, member]));
    // An empty prefix is none for containers, too.
    const prefix = [keys.get("prefix"), keys.get("location")].find((one) => hasText(one?.value));
    if (prefix === undefined) {
      throw new ProblemAt(item.line, "registry: expected prefix or location, got neither");
    }
    const blocked = keys.get("blocked");
    return {
      prefix: prefixOf(prefix.value, prefix.key),
      isBlocked: blocked !== undefined && booleanIn(blocked.value, "blocked"),
      line: (blocked ?? prefix).line,
    };
  });
}

function hasText(value: LocatedValue | undefined): boolean {
  return value !== undefined && !(value.kind === "scalar" && value.value === "");
}

function prefixOf(value: LocatedValue, key: string): string {
  const text = textIn(value, key).replace(/\/+$/, "");
  if (text === "" || text.includes("://")) {
    throw new ProblemAt(
      value.line,
      `${key}: expected HOST[:PORT][/PATH], got ${JSON.stringify(text)}`,
    );
  }
  // Hosts are the same in any case; tags, which a prefix may end with, are not.
  const [host = "", ...path] = text.split("/");
  return [host.toLowerCase(), ...path].join("/");
}

/** Version 1: `[registries.block] registries = […]`. */
function oldRulesOf(entry: LocatedEntry | undefined): RegistryRule[] {
  if (entry === undefined) return [];
  return entriesIn(entry.value, entry.key)
    .filter(({ key }) => key === "block")
    .flatMap(({ value, key }) => entriesIn(value, key))
    .filter(({ key }) => key === "registries")
    .flatMap(({ value, key }) => listIn(value, key))
    .map((item) => ({ prefix: prefixOf(item, "block"), isBlocked: true, line: item.line }));
}

const TOP_UNREAD: ReadonlyMap<string, string> = new Map([
  ["unqualified-search-registries", "registries for short names"],
  ["short-name-mode", "registries for short names"],
  ["aliases", "aliases"],
  ["credential-helpers", "credential helpers"],
]);

const REGISTRY_UNREAD: ReadonlyMap<string, string> = new Map([
  ["mirror", "mirrors"],
  ["mirror-by-digest-only", "mirrors"],
  ["insecure", "registries without TLS"],
]);

function unreadIn(root: LocatedMap): readonly UnreadSetting[] {
  const registries = root.entries
    .filter(({ key }) => key === "registry")
    .flatMap(({ value }) => (value.kind === "list" ? value.items : []));
  const found = new Map<string, number>();
  const note = (what: string | undefined, line: number): void => {
    if (what !== undefined && !found.has(what)) found.set(what, line);
  };
  for (const { key, line } of root.entries) note(TOP_UNREAD.get(key), line);
  for (const registry of registries) {
    if (registry.kind !== "map") continue;
    for (const { key, line } of registry.entries) note(REGISTRY_UNREAD.get(key), line);
    noteMoved(registry, note);
  }
  return [...found].map(([what, line]) => ({ what, line }));
}

/** A location that is not the prefix: images are then fetched from somewhere else. */
function noteMoved(registry: LocatedMap, note: (what: string, line: number) => void): void {
  const [prefix, location] = ["prefix", "location"].map((name) =>
    registry.entries.find(({ key }) => key === name),
  );
  if (!hasText(prefix?.value) || location === undefined) return;
  if (JSON.stringify(scalarOf(prefix)) === JSON.stringify(scalarOf(location))) return;
  note("other locations of images", location.line);
}

function scalarOf(entry: LocatedEntry | undefined): unknown {
  return entry?.value.kind === "scalar" ? entry.value.value : undefined;
}
