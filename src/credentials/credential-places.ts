import { isAbsolute, join, resolve } from "node:path";
import type { CredentialFilePlace } from "./file-credentials.ts";
import type { HelperSurroundings } from "./run-helper.ts";

/** What of the process says where its credentials are. */
export interface CredentialSurroundings extends HelperSurroundings {
  /** Asked for where a path is relative alone: there are processes whose directory is gone. */
  readonly workingDirectory: string;
  /** An absolute path; undefined in a process that has none. */
  readonly homeDirectory: string | undefined;
  readonly userId: number;
}

/** The file that `REGISTRY_AUTH_FILE` names; undefined where it names none. */
export function fileOfVariable(
  surroundings: CredentialSurroundings,
): CredentialFilePlace | undefined {
  const path = surroundings.variables["REGISTRY_AUTH_FILE"] ?? "";
  if (path === "") return undefined;
  return {
    path: absolutePath(path, surroundings),
    format: "config",
    namedBy: "$REGISTRY_AUTH_FILE",
  };
}

/**
 * The files that credentials may be in where nobody names one, in the order in which they are looked
 * into: podman's and skopeo's, Apptainer's, Singularity's, Docker's. Those of a home directory are
 * left out where there is none.
 *
 * @see containers-auth.json(5); registry.md §5.1, §5.3 and §5.4
 */
export function usualFiles(surroundings: CredentialSurroundings): readonly CredentialFilePlace[] {
  const { homeDirectory: home } = surroundings;
  const inHome = (path: string): string | undefined => home && join(home, path);
  const inDirectory = (variable: string, usual: string, file: string): string | undefined => {
    const directory = directoryOf(variable, surroundings) ?? inHome(usual);
    return directory && join(directory, file);
  };
  const config = [
    runtimeFile(surroundings),
    inDirectory("XDG_CONFIG_HOME", ".config", CONTAINERS_FILE),
    inDirectory("APPTAINER_CONFIGDIR", ".apptainer", "docker-config.json"),
    inDirectory("SINGULARITY_CONFIGDIR", ".singularity", "docker-config.json"),
    inDirectory("DOCKER_CONFIG", ".docker", "config.json"),
  ];
  const legacy = inHome(".dockercfg");
  return [
    ...config.flatMap((path) => (path === undefined ? [] : [{ path, format: "config" } as const])),
    ...(legacy === undefined ? [] : [{ path: legacy, format: "legacy" } as const]),
  ];
}

/**
 * The file that a login is kept in where nobody names one. It is gone with the session of the user,
 * or at the next start of the machine, as podman has it.
 */
export function runtimeFile(surroundings: CredentialSurroundings): string {
  const own = directoryOf("XDG_RUNTIME_DIR", surroundings);
  if (own !== undefined) return join(own, CONTAINERS_FILE);
  return `/run/containers/${surroundings.userId}/auth.json`;
}

/** `path` as seen from the working directory. */
export function absolutePath(
  path: string,
  surroundings: Pick<CredentialSurroundings, "workingDirectory">,
): string {
  return isAbsolute(path) ? path : resolve(surroundings.workingDirectory, path);
}

const CONTAINERS_FILE = "containers/auth.json";

/** A directory that a variable names; an empty or relative name counts as none. */
function directoryOf(
  variable: string,
  { variables }: Pick<CredentialSurroundings, "variables">,
): string | undefined {
  const path = variables[variable] ?? "";
  return isAbsolute(path) ? path : undefined;
}
