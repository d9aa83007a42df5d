import { isAbsolute, join, resolve } from "node:path";

/** What of the process and its machine decides where keyrings are. */
export interface KeySurroundings {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** An absolute path; undefined in a process that has none. */
  readonly homeDirectory: string | undefined;
}

/** Absolute paths of keyrings. */
export interface KeyPlaces {
  /** Of files that whoever runs the machine trusts. */
  readonly global: readonly string[];
  /** Of siflet's own directory, the only one that is written; undefined where it has no place. */
  readonly own: string | undefined;
  /** Of the directories of Singularity and Apptainer. */
  readonly others: readonly string[];
}

/** What keyrings are called in every directory of them. */
export const PUBLIC_RING = "pgp-public";
export const SECRET_RING = "pgp-secret";

/** Where packages install their configuration, and where who compiles for himself does. */
const SYSTEM_DIRECTORIES = ["/etc", "/usr/local/etc"];

/**
 * Where keyrings are.
 *
 * @see XDG Base Directory Specification: a relative or empty XDG_DATA_HOME counts as not set; sif.md §5.1
 */
export function keyPlaces(surroundings: KeySurroundings): KeyPlaces {
  const others = [singularityDirectory(surroundings), apptainerDirectory(surroundings)];
  return {
    global: ["singularity", "apptainer"].flatMap((program) =>
      SYSTEM_DIRECTORIES.map((directory) => join(directory, program, "global-pgp-public")),
    ),
    own: ownDirectory(surroundings),
    // One variable may name both.
    others: [...new Set(others.filter((path) => path !== undefined))],
  };
}

function ownDirectory(surroundings: KeySurroundings): string | undefined {
  const named = namedPath(surroundings, "SIFLET_KEYSDIR");
  if (named !== undefined) return named;
  const data = surroundings.variables["XDG_DATA_HOME"] ?? "";
  if (isAbsolute(data)) return join(data, "siflet/keys");
  return atHome(surroundings, ".local/share/siflet/keys");
}

function singularityDirectory(surroundings: KeySurroundings): string | undefined {
  const configuration =
    namedPath(surroundings, "SINGULARITY_CONFIGDIR") ?? atHome(surroundings, ".singularity");
  return (
    namedPath(surroundings, "SINGULARITY_SYPGPDIR") ??
    (configuration === undefined ? undefined : join(configuration, "sypgp"))
  );
}

function apptainerDirectory(surroundings: KeySurroundings): string | undefined {
  const configuration =
    namedPath(surroundings, "APPTAINER_CONFIGDIR", "SINGULARITY_CONFIGDIR") ??
    atHome(surroundings, ".apptainer");
  return (
    namedPath(surroundings, "APPTAINER_KEYSDIR", "SINGULARITY_SYPGPDIR") ??
    (configuration === undefined ? undefined : join(configuration, "keys"))
  );
}

/** The path in the first of these variables that is set. */
function namedPath(
  { variables, workingDirectory }: KeySurroundings,
  ...names: readonly string[]
): string | undefined {
  const name = names.find((one) => (variables[one] ?? "") !== "");
  return name === undefined ? undefined : resolve(workingDirectory, variables[name] ?? "");
}

function atHome({ homeDirectory }: KeySurroundings, path: string): string | undefined {
  return homeDirectory === undefined ? undefined : join(homeDirectory, path);
}
