import type { Credentials } from "../registry/index.ts";
import {
  absolutePath,
  fileOfVariable,
  usualFiles,
  type CredentialSurroundings,
} from "./credential-places.ts";
import { documentOfEnvironment, pairOfEnvironment } from "./environment-credentials.ts";
import { fileCredentials, type CredentialFilePlace } from "./file-credentials.ts";
import { firstFound } from "./first-found.ts";

/** What a caller says of where credentials are. */
export interface CredentialSettings {
  /** A file that comes before all others, and must be there; relative to the working directory. */
  readonly authFile?: { readonly path: string; readonly namedBy: string } | undefined;
  /**
   * The registry of the one reference that a command is about: the user name and password of the
   * environment are for it. Absent: they are not looked at.
   */
  readonly domain?: string | undefined;
}

/**
 * All places that credentials may be in, the first that knows one first: the named file, the user of
 * the environment, `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG`, the usual files. Nothing is read
 * before it is asked for. A place that is broken ends the search with its error: who has a password
 * shall not pull as nobody because of a comma.
 *
 * @throws CredentialError `CREDENTIALS_INVALID` where the environment has half a user
 */
export function findableCredentials(
  { authFile, domain }: CredentialSettings,
  surroundings: CredentialSurroundings,
): Credentials {
  const named =
    authFile &&
    ({
      path: absolutePath(authFile.path, surroundings),
      format: "config",
      namedBy: authFile.namedBy,
    } as const);
  const inFile = (place: CredentialFilePlace | undefined): Credentials | undefined =>
    place && fileCredentials(place, surroundings);
  return firstFound([
    inFile(named),
    domain === undefined ? undefined : pairOfEnvironment(surroundings.variables, domain),
    inFile(fileOfVariable(surroundings)),
    documentOfEnvironment(surroundings),
    ...usualFiles(surroundings).map((place) => inFile(place)),
  ]);
}
