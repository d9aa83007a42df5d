import { ProblemAt, type Limits, type LocatedEntry, type LocatedValue } from "../base/index.ts";
import { ConfigError } from "./config-error.ts";
import { parseYaml } from "./parse-yaml.ts";
import {
  isLimit,
  isSettingKey,
  LIMIT_KINDS,
  OLD_KEYS,
  SECTIONS,
  SETTING_KINDS,
  TOP_KEYS,
  type Key,
  type SettingKey,
  type Settings,
} from "./schema.ts";

/** Settings that somebody gave. */
export type GivenSettings = { readonly [K in SettingKey]?: NonNullable<Settings[K]> };

/** What one configuration file says. */
export interface FileSettings {
  /** The file, as messages name it. */
  readonly path: string;
  readonly settings: GivenSettings;
  readonly limits: Partial<Limits>;
  /** Where each key stands that the file has; lines count from 1. */
  readonly lines: ReadonlyMap<Key, number>;
}

/** What a configuration file says, and what is wrong with it. */
export interface ParsedConfig {
  /** Without what is wrong. */
  readonly file: FileSettings;
  /** `CONFIG_FILE_INVALID` each, in the order of their lines; none for a file that can be used. */
  readonly problems: readonly ConfigError[];
  /** What is fine and yet should be changed, with the lines. */
  readonly notes: readonly string[];
}

/**
 * Reads the text of a configuration file. An empty one says nothing, and neither does a section
 * without keys.
 *
 * @param path - the file, for the messages
 */
export function parseConfig(text: string, path: string): ParsedConfig {
  return new ConfigReader(path).read(text);
}

class ConfigReader {
  readonly #path: string;
  readonly #settings: GivenSettings = {};
  readonly #limits: { -readonly [L in keyof Limits]?: number } = {};
  readonly #lines = new Map<Key, number>();
  readonly #problems: ProblemAt[] = [];
  readonly #notes: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string): ParsedConfig {
    this.#try(() => {
      const root = parseYaml(text);
      if (root === undefined) return;
      for (const entry of entriesOf(root))
        this.#try(() => {
          this.#readTop(entry);
        });
    });
    return {
      file: {
        path: this.#path,
        settings: this.#settings,
        limits: this.#limits,
        lines: this.#lines,
      },
      problems: this.#problems.map(
        (problem) =>
          new ConfigError(
            "CONFIG_FILE_INVALID",
            `${this.#path}:${problem.line}: ${problem.message}`,
            {
              cause: problem,
            },
          ),
      ),
      notes: this.#notes,
    };
  }

  #readTop(entry: LocatedEntry): void {
    const renamed = OLD_KEYS.get(entry.key);
    if (renamed !== undefined) {
      this.#readOld(entry, renamed);
      return;
    }
    const members = SECTIONS.get(entry.key);
    if (members === undefined) {
      if (!TOP_KEYS.includes(entry.key)) throw unknownKey(entry, entry.key, TOP_KEYS);
      this.#readValue(entry, entry.key);
      return;
    }
    for (const member of entriesOf(entry.value, entry.key)) {
      this.#try(() => {
        const key = `${entry.key}.${member.key}`;
        if (!members.includes(member.key)) throw unknownKey(member, key, members);
        this.#readValue(member, key);
      });
    }
  }

  /** A key as an older program had it. */
  #readOld(entry: LocatedEntry, key: SettingKey): void {
    this.#readValue(entry, key);
    this.#notes.push(
      `${this.#path}:${entry.line}: ${entry.key} is Singularity-CRI's name of ${key}, which says the same`,
    );
  }

  #readValue({ value, line }: LocatedEntry, key: string): void {
    const limit = key.startsWith("limits.") ? key.slice("limits.".length) : "";
    try {
      if (isSettingKey(key)) {
        // By its other name: one that stands twice the YAML parser refuses.
        const known = this.#lines.get(key);
        if (known !== undefined) {
          throw new ProblemAt(line, `expected it once, got it in line ${known} too`);
        }
        // The compiler does not follow a key and its value through a table.
        Object.assign(this.#settings, { [key]: SETTING_KINDS[key].parse(value) });
        this.#lines.set(key, line);
      } else if (isLimit(limit)) {
        this.#limits[limit] = LIMIT_KINDS[limit].parse(value);
        this.#lines.set(`limits.${limit}`, line);
      }
    } catch (error) {
      if (!(error instanceof ProblemAt)) throw error;
      throw new ProblemAt(error.line, `${key}: ${error.message}`, { cause: error });
    }
  }

  /** What is wrong with one key says nothing about the others. */
  #try(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ProblemAt)) throw error;
      this.#problems.push(error);
    }
  }
}

/** @param name - the key whose value this is; absent: the whole file */
function entriesOf(located: LocatedValue, name?: string): readonly LocatedEntry[] {
  if (located.kind === "map") return located.entries;
  // All its keys may be commented out.
  if (located.kind === "scalar" && located.value === null) return [];
  const what = name === undefined ? "" : `${name}: `;
  const got = located.kind === "list" ? "a list" : JSON.stringify(located.value);
  throw new ProblemAt(located.line, `${what}expected keys with values, got ${got}`);
}

function unknownKey({ line }: LocatedEntry, key: string, known: readonly string[]): ProblemAt {
  return new ProblemAt(
    line,
    `unknown key ${JSON.stringify(key)}: expected one of ${known.join(", ")}`,
  );
}
