import { isAbsolute } from "node:path";
import { isAddressRange, ProblemAt, type LocatedValue } from "../base/index.ts";
import { isNamePattern, NAME_PATTERN_FORM } from "../image/index.ts";
import { KEY_SERVER_FORM, keyServerUrl } from "./key-server-url.ts";
import { isPlainHttpHost } from "./plain-http-host.ts";
import { formatSizeExactly, parseSize } from "./size.ts";

/** A value as JSON shows it. */
export type SettingJson =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | {
      readonly [name: string]:
        string | readonly string[] | { readonly [key: string]: string | boolean };
    };

/** What one key takes, and how its value is shown. */
export interface ValueKind<T> {
  /** @throws ProblemAt where `located` is nothing that the key takes */
  parse(located: LocatedValue): T;
  /** For people; where the file can say it, as the file says it. */
  format(value: T): string;
  toJson(value: T): SettingJson;
}

/** One of a few words. */
export function choiceKind<T extends string>(choices: readonly T[]): ValueKind<T> {
  return {
    parse(located) {
      const choice = choices.find((text) => text === scalarOf(located));
      if (choice !== undefined) return choice;
      throw refusal(located, `one of ${choices.join(", ")}`);
    },
    format: (value) => value,
    toJson: (value) => value,
  };
}

export const booleanKind: ValueKind<boolean> = {
  parse(located) {
    const value = scalarOf(located);
    if (typeof value === "boolean") return value;
    throw refusal(located, "true or false");
  },
  format: String,
  toJson: (value) => value,
};

/** A path that means the same wherever siflet is started. */
export const pathKind: ValueKind<string> = {
  parse(located) {
    const value = scalarOf(located);
    if (typeof value === "string" && isPath(value)) return value;
    throw refusal(located, "an absolute path");
  },
  format: (value) => value,
  toJson: (value) => value,
};

function isPath(text: string): boolean {
  return isAbsolute(text) && !text.includes("\0");
}

/** @param absent - what it means that there is none */
export function optionalPathKind(absent: string): ValueKind<string | undefined> {
  return {
    parse: (located) => pathKind.parse(located),
    format: (value) => value ?? `(${absent})`,
    toJson: (value) => value ?? null,
  };
}

/** A list of texts that `isOne` takes. */
function listKind(
  isOne: (text: string) => boolean,
  expected: { readonly list: string; readonly item: string },
): ValueKind<readonly string[]> {
  return {
    parse(located) {
      if (located.kind !== "list") throw refusal(located, expected.list);
      return located.items.map((item) => {
        const value = scalarOf(item);
        if (typeof value === "string" && isOne(value)) return value;
        throw refusal(item, expected.item);
      });
    },
    format: (items) => `[${items.join(", ")}]`,
    toJson: (items) => items,
  };
}

export const hostsKind: ValueKind<readonly string[]> = listKind(isPlainHttpHost, {
  list: "a list of hosts",
  item: "a host as name or name:port",
});

export const keyServersKind: ValueKind<readonly string[]> = listKind(
  (text) => keyServerUrl(text) !== undefined,
  { list: "a list of key servers", item: KEY_SERVER_FORM },
);

export const addressesKind: ValueKind<readonly string[]> = listKind(isAddressRange, {
  list: "a list of IP addresses and subnets",
  item: "an IP address, or a subnet as 10.0.0.0/8",
});

/** Lists of hosts by the registries that they are for. */
export const hostListsKind: ValueKind<Readonly<Record<string, readonly string[]>>> = {
  parse(located) {
    if (located.kind !== "map") throw refusal(located, "registries with lists of hosts");
    return Object.fromEntries(
      located.entries.map(({ key, value, line }) => {
        if (isPlainHttpHost(key)) return [key, hostsKind.parse(value)];
        throw new ProblemAt(
          line,
          `expected a registry as name or name:port, got ${JSON.stringify(key)}`,
        );
      }),
    );
  },
  format: (lists) =>
    `{${Object.entries(lists)
      .map(([registry, hosts]) => `${registry}: ${hostsKind.format(hosts)}`)
      .join(", ")}}`,
  toJson: (lists) => lists,
};

export const pathsKind: ValueKind<readonly string[]> = listKind(isPath, {
  list: "a list of paths",
  item: "an absolute path",
});

/** @param absent - what it means that there is no list */
export function optionalPathsKind(absent: string): ValueKind<readonly string[] | undefined> {
  return {
    parse: (located) => pathsKind.parse(located),
    format: (paths) => (paths === undefined ? `(${absent})` : pathsKind.format(paths)),
    toJson: (paths) => paths ?? null,
  };
}

export const patternsKind: ValueKind<readonly string[]> = listKind(isNamePattern, {
  list: "a list of names and patterns",
  item: NAME_PATTERN_FORM,
});

/** As users, groups and Kubernetes' handlers are called; a group may be a number. */
const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;
export const WORD_FORM = "a name of letters, digits and _ . -";

/** @param absent - what it means that there is none */
export function optionalWordKind(absent: string): ValueKind<string | undefined> {
  return {
    parse(located) {
      const value = scalarOf(located);
      const text = typeof value === "number" ? String(value) : value;
      if (typeof text === "string" && WORD.test(text)) return text;
      throw refusal(located, WORD_FORM);
    },
    format: (value) => value ?? `(${absent})`,
    toJson: (value) => value ?? null,
  };
}

export function isWord(text: string): boolean {
  return WORD.test(text);
}

/** A place of this host to listen at, which nobody elsewhere can reach. */
export type LocalPlace =
  | { readonly kind: "loopback"; readonly host: string; readonly port: number }
  | { readonly kind: "path"; readonly path: string };

const LOOPBACK = /^(127\.0\.0\.1|\[::1\]|localhost):([0-9]{1,5})$/;

/** Undefined: at none. */
export const localPlaceKind: ValueKind<LocalPlace | undefined> = {
  parse(located) {
    const value = scalarOf(located);
    if (typeof value === "string") {
      if (isPath(value)) return { kind: "path", path: value };
      const [, host = "", port = ""] = LOOPBACK.exec(value) ?? [];
      if (host !== "" && Number(port) <= 65_535) {
        return { kind: "loopback", host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
      }
    }
    throw refusal(located, "127.0.0.1:PORT, [::1]:PORT or the absolute path of a unix socket");
  },
  format: (place) => (place === undefined ? "(nowhere)" : formatPlace(place)),
  toJson: (place) => (place === undefined ? null : formatPlace(place)),
};

function formatPlace(place: LocalPlace): string {
  if (place.kind === "path") return place.path;
  const { host, port } = place;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Paths of files by names that can stand in a reference. */
export const aliasesKind: ValueKind<Readonly<Record<string, string>>> = {
  parse(located) {
    if (located.kind !== "map") throw refusal(located, "names with paths");
    return Object.fromEntries(
      located.entries.map(({ key, value, line }) => {
        if (!ALIAS.test(key)) {
          throw new ProblemAt(line, `expected ${ALIAS_FORM}, got ${JSON.stringify(key)}`);
        }
        return [key, pathKind.parse(value)];
      }),
    );
  },
  format: (aliases) =>
    `{${Object.entries(aliases)
      .map(([name, path]) => `${name}: ${path}`)
      .join(", ")}}`,
  toJson: (aliases) => aliases,
};

const ALIAS = /^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$/;
const ALIAS_FORM = "a name of lower-case letters and digits joined by . _ - and /";

/** Inclusive bounds of a whole number. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

export function countKind({ least, most }: NumberRange): ValueKind<number> {
  return {
    parse(located) {
      const value = scalarOf(located);
      if (isWithin(value, least, most)) return value;
      throw refusal(located, `a whole number from ${least} to ${most}`);
    },
    format: String,
    toJson: (value) => value,
  };
}

/** @param absent - what it means that there is none */
export function optionalCountKind(
  range: NumberRange,
  absent: string,
): ValueKind<number | undefined> {
  const kind = countKind(range);
  return {
    parse: (located) => kind.parse(located),
    format: (value) => (value === undefined ? `(${absent})` : String(value)),
    toJson: (value) => value ?? null,
  };
}

export function sizeKind({ least, most }: NumberRange): ValueKind<number> {
  return {
    parse(located) {
      const value = scalarOf(located);
      const bytes = typeof value === "string" ? parseSize(value) : value;
      if (isWithin(bytes, least, most)) return bytes;
      throw refusal(
        located,
        `a size from ${formatSizeExactly(least)} to ${formatSizeExactly(most)} ` +
          "(bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB)",
      );
    },
    format: formatSizeExactly,
    toJson: (value) => value,
  };
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** The value of what is neither a list nor has keys of its own. */
export function scalarOf(located: LocatedValue): string | number | boolean | null | undefined {
  return located.kind === "scalar" ? located.value : undefined;
}

const MOST_SHOWN = 80;

export function refusal(located: LocatedValue, expected: string): ProblemAt {
  return new ProblemAt(located.line, `expected ${expected}, got ${shown(located)}`);
}

function shown(located: LocatedValue): string {
  switch (located.kind) {
    case "list":
      return "a list";
    case "map":
      return "keys of its own";
    case "scalar": {
      const { value } = located;
      if (typeof value !== "string") return value === null ? "nothing" : String(value);
      return JSON.stringify(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value);
    }
  }
}
