import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../base/index.ts";
import type { RegistryPlace } from "../registry/index.ts";
import { HostsError } from "./hosts-error.ts";
import { isAliasesAlone } from "./is-aliases-alone.ts";
import type { RegistryRule } from "./parse-registries-conf.ts";
import { readTextIfThere, unreadable } from "./read-file.ts";

/** A `registries.conf`, and the directories of files that are laid over it, one after the other. */
export interface RegistriesConfPlace {
  readonly file: string;
  readonly directories: readonly string[];
  /** The variable that names the file, which then has to be there. */
  readonly namedBy?: string;
}

/** The first place whose file is there or named counts; the last one also where its file is not. */
export type RegistriesConfPlaces = readonly RegistriesConfPlace[];

/** In this order; the second one is that of older versions. */
const VARIABLES = ["CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"] as const;

/**
 * Where containers' tools look: a file that the environment names, else one of the user's own, which
 * stands for the system's with its directory. A named one stands for the file alone.
 *
 * @param homeDirectory - undefined for a process without one
 * @param variables - of the environment; the first that is set counts, and an empty one names nothing
 * @see containers-registries.conf(5), containers-registries.conf.d(5)
 */
export function registriesConfPlaces(
  homeDirectory: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): RegistriesConfPlaces {
  const system = "/etc/containers/registries.conf";
  const own =
    homeDirectory === undefined
      ? undefined
      : join(homeDirectory, ".config/containers/registries.conf");
  const directories = [`${system}.d`, ...(own === undefined ? [] : [`${own}.d`])];
  const namedBy = VARIABLES.find((name) => variables[name] !== undefined);
  const named = namedBy && variables[namedBy];
  if (named) return [{ file: named, directories, namedBy }];
  return [
    ...(own === undefined ? [] : [{ file: own, directories: [`${own}.d`] }]),
    { file: system, directories },
  ];
}

/**
 * Refuses a name that a `registries.conf` blocks: of all its rules the one with the longest prefix of
 * the name counts, of several with one prefix the last.
 *
 * @throws HostsError `REGISTRY_BLOCKED`; `REGISTRY_CONFIG` for a file that cannot be read
 */
export async function refuseBlocked(
  place: RegistryPlace,
  places: RegistriesConfPlaces,
): Promise<void> {
  const name = nameFor(place);
  const rule = await ruleFor(name, places);
  if (rule?.isBlocked !== true) return;
  throw new HostsError(
    "REGISTRY_BLOCKED",
    `${rule.path}:${rule.line}: ${name} is not asked for, for ${rule.prefix} is blocked`,
  );
}

function nameFor({ domain, repository, tag, digest }: RegistryPlace): string {
  if (repository === undefined) return domain.toLowerCase();
  const path = `${domain.toLowerCase()}/${repository}`;
  return digest === undefined ? `${path}:${tag ?? "latest"}` : `${path}@${digest}`;
}

interface PlacedRule extends RegistryRule {
  readonly path: string;
}

async function ruleFor(
  name: string,
  places: RegistriesConfPlaces,
): Promise<PlacedRule | undefined> {
  const rules = new Map<string, PlacedRule>();
  for (const path of await registriesConfFiles(places)) {
    for (const rule of await rulesIn(path)) rules.set(rule.prefix, { ...rule, path });
  }
  let longest = 0;
  let found: PlacedRule | undefined;
  for (const rule of rules.values()) {
    const length = matchedLength(name, rule.prefix);
    if (length <= longest) continue;
    longest = length;
    found = rule;
  }
  return found;
}

/** Far more than a list of registries. */
const MAX_BYTES = 1024 * 1024;
/** More than any package lays down; each is read at every pull. */
const MAX_FILES = 1000;

async function rulesIn(path: string): Promise<readonly RegistryRule[]> {
  const text = await readTextIfThere(path, MAX_BYTES);
  if (text === undefined || isAliasesAlone(text)) return [];
  // Loaded only where there is such a file: a pull without one starts sooner.
  const { parseRegistriesConf } = await import("./parse-registries-conf.ts");
  return parseRegistriesConf(text, path).rules;
}

/**
 * The files that count, in the order in which they are laid over one another.
 *
 * @throws HostsError `REGISTRY_CONFIG`: a directory cannot be looked into, or a named file is not there
 */
export async function registriesConfFiles(places: RegistriesConfPlaces): Promise<string[]> {
  const last = places.at(-1);
  for (const place of places) {
    const isThere = (await readTextIfThere(place.file, MAX_BYTES, place.namedBy)) !== undefined;
    if (!isThere && place.namedBy !== undefined) {
      throw unreadable(place.file, "no such file", place.namedBy);
    }
    if (!isThere && place !== last) continue;
    const paths = isThere ? [place.file] : [];
    for (const directory of place.directories) paths.push(...(await dropIns(directory)));
    return paths;
  }
  return [];
}

async function dropIns(directory: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    const reason = error instanceof Error ? error.message : String(error);
    throw unreadable(directory, reason, undefined, { cause: error });
  }
  const files = names.filter((name) => name.endsWith(".conf")).sort();
  if (files.length <= MAX_FILES) return files.map((name) => join(directory, name));
  throw unreadable(directory, `expected at most ${MAX_FILES} files, got ${files.length}`);
}

/** Characters of `name` that a prefix stands for; 0 where it does not fit. */
function matchedLength(name: string, prefix: string): number {
  if (!prefix.startsWith("*.")) return name.startsWith(prefix) ? endOfPart(name, prefix.length) : 0;
  const below = prefix.slice(1);
  // Anywhere in the host: `*.a.test` means `x.a.test.a.test`, too.
  for (let at = name.indexOf(below, 1); at > 0; at = name.indexOf(below, at + 1)) {
    if (name.slice(0, at).includes("/")) return 0;
    const length = endOfPart(name, at + below.length);
    if (length > 0) return length;
  }
  return 0;
}

function endOfPart(name: string, length: number): number {
  return length === name.length || ":/@".includes(name.charAt(length)) ? length : 0;
}
