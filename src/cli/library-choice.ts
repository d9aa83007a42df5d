import { isEndpoint, type Config } from "../config/index.ts";
import { formatLibraryName, isLibraryName, LIBRARY_URI, libraryNameOf } from "../image/index.ts";
import type { NamedLibrary } from "../library/index.ts";
import { usageError } from "./cli-error.ts";

/** Variables that Apptainer and Singularity know, in the order in which they count. */
const VARIABLES = ["APPTAINER_LIBRARY", "SINGULARITY_LIBRARY"];

/** A reference by its own library, and how libraries are asked. */
export interface LibraryChoice {
  readonly reference: string;
  readonly libraries: Readonly<Record<string, NamedLibrary>>;
}

/**
 * Which library `reference` means: one without a host is of the one that `--library` or the environment
 * names, else of the default one. A library that is named so, and is asked elsewhere than the configuration
 * says, is shown no token.
 *
 * @param flag - of `--library`
 * @throws CliError `USAGE`; ImageError `REFERENCE_INVALID`
 * @see library.md §10
 */
export async function chooseLibrary(
  reference: string,
  flag: string | undefined,
  { values: { libraries } }: Pick<Config, "values">,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<LibraryChoice> {
  const usual = { reference, libraries };
  if (!isLibraryName(reference)) {
    if (flag === undefined) return usual;
    throw usageError(`--library: expected a name in a library, got ${JSON.stringify(reference)}`);
  }
  const name = libraryNameOf(reference);
  if (name.host !== LIBRARY_URI) {
    if (flag === undefined) return usual;
    throw usageError("expected --library, or a host in the reference, got both");
  }
  const variable = VARIABLES.find((each) => (variables[each] ?? "") !== "");
  const text = flag ?? (variable === undefined ? undefined : variables[variable]);
  if (text === undefined) return usual;
  if (!isEndpoint(text)) {
    const who = flag === undefined ? `$${variable ?? ""}` : "--library";
    throw usageError(`${who}: expected the URL of a library, with https or http and no query`);
  }
  const { DEFAULT_LIBRARY_API } = await import("../library/index.ts");
  const endpoint = withSlash(text);
  if (endpoint === withSlash(libraries[LIBRARY_URI]?.endpoint ?? DEFAULT_LIBRARY_API)) return usual;
  const { host } = new URL(endpoint);
  const own = libraries[host];
  const named = { reference: formatLibraryName({ ...name, host }) };
  if (endpoint === withSlash(own?.endpoint ?? `https://${host}/`)) return { ...named, libraries };
  const other = { ...(own?.ca !== undefined && { ca: own.ca }), endpoint, isAnonymous: true };
  return { ...named, libraries: { ...libraries, [host]: other } };
}

/** As a URL is spelled, with a slash at the end. */
function withSlash(text: string): string {
  const { href } = new URL(text);
  return href.endsWith("/") ? href : `${href}/`;
}
