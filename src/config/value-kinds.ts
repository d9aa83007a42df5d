import { isAbsolute } from "node:path";
import { ProblemAt, type LocatedValue } from "./located-value.ts";
import { isPlainHttpHost } from "./plain-http-host.ts";
import { formatSizeExactly, parseSize } from "./size.ts";

/** A value as JSON shows it. */
export type SettingJson = string | number | null | readonly string[];

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

/** A path that means the same wherever siflet is started. */
export const pathKind: ValueKind<string> = {
  parse(located) {
    const value = scalarOf(located);
    if (typeof value === "string" && isAbsolute(value) && !value.includes("\0")) return value;
    throw refusal(located, "an absolute path");
  },
  format: (value) => value,
  toJson: (value) => value,
};

/** @param absent - what it means that there is none */
export function optionalPathKind(absent: string): ValueKind<string | undefined> {
  return {
    parse: (located) => pathKind.parse(located),
    format: (value) => value ?? `(${absent})`,
    toJson: (value) => value ?? null,
  };
}

export const hostsKind: ValueKind<readonly string[]> = {
  parse(located) {
    if (located.kind !== "list") throw refusal(located, "a list of hosts");
    return located.items.map((item) => {
      const value = scalarOf(item);
      if (typeof value === "string" && isPlainHttpHost(value)) return value;
      throw refusal(item, "a host as name or name:port");
    });
  },
  format: (hosts) => `[${hosts.join(", ")}]`,
  toJson: (hosts) => hosts,
};

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

function scalarOf(located: LocatedValue): string | number | boolean | null | undefined {
  return located.kind === "scalar" ? located.value : undefined;
}

const MOST_SHOWN = 80;

function refusal(located: LocatedValue, expected: string): ProblemAt {
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
