import type { Credentials } from "../registry/index.ts";
import { boundCredentials } from "./auth-config.ts";
import { parseCredentialDocument } from "./credential-document.ts";
import { CredentialError } from "./credential-error.ts";
import { findInDocument } from "./file-credentials.ts";
import type { HelperSurroundings } from "./run-helper.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Not `DOCKER_USERNAME`: build servers have it for Docker Hub, whatever else they pull from. */
const PREFIXES = ["APPTAINER_DOCKER", "SINGULARITY_DOCKER"] as const;

/**
 * The user that `APPTAINER_DOCKER_USERNAME` and `_PASSWORD` name, else the same of Singularity, for
 * the registry `domain` alone. Apptainer shows them to every registry.
 *
 * @returns undefined where there is none
 * @throws CredentialError `CREDENTIALS_INVALID` where one of the two variables is not set
 * @see registry.md §5.4
 */
export function pairOfEnvironment(variables: Variables, domain: string): Credentials | undefined {
  for (const prefix of PREFIXES) {
    const username = variables[`${prefix}_USERNAME`] ?? "";
    const password = variables[`${prefix}_PASSWORD`] ?? "";
    if (username === "" && password === "") continue;
    const called = `$${prefix}_USERNAME and $${prefix}_PASSWORD`;
    return boundCredentials({ username, password }, [domain], called);
  }
  return undefined;
}

const VARIABLE = "DOCKER_AUTH_CONFIG";

/**
 * The entries of the document in `DOCKER_AUTH_CONFIG`; it may have nothing but `auths`, as Docker
 * has it. `find` throws CredentialError `CREDENTIALS_INVALID`.
 *
 * @returns undefined where there is none
 * @see registry.md §5.1
 */
export function documentOfEnvironment({ variables }: HelperSurroundings): Credentials | undefined {
  const text = variables[VARIABLE] ?? "";
  if (text === "") return undefined;
  const called = `$${VARIABLE}`;
  return {
    find: async (place, signal) => {
      try {
        const document = parseCredentialDocument(Buffer.from(text), called, "config");
        const other = Object.keys(document.members).find((name) => name !== "auths");
        if (other !== undefined) throw malformed(`${called}: expected auths and nothing else`);
        return await findInDocument(document, called, place, { variables }, signal);
      } catch (error) {
        if (!(error instanceof CredentialError)) throw error;
        throw malformed(error.message);
      }
    },
  };
}

function malformed(message: string): CredentialError {
  return new CredentialError("CREDENTIALS_INVALID", message);
}
