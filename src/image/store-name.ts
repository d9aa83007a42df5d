import { ImageError } from "./image-error.ts";
import { DOCKER_DOMAIN, familiarName, formatImageName, parseImageName } from "./image-name.ts";
import { parseRef } from "./parse-ref.ts";
import { DOCKER_URI, LIBRARY_SCHEME, LIBRARY_URI, LOCAL_URI } from "./reference.ts";

/**
 * The origin domain of a name as a store records it, which is in its canonical form: all registries
 * have one.
 */
export function storeNameOrigin(name: string): string {
  if (name.startsWith(`${LIBRARY_URI}/`)) return LIBRARY_URI;
  if (name.startsWith(`${LOCAL_URI}/`)) return LOCAL_URI;
  if (!name.startsWith(LIBRARY_SCHEME)) return DOCKER_URI;
  const slash = name.indexOf("/", LIBRARY_SCHEME.length);
  return name.slice(0, slash);
}

/** A recorded name as people write it: those of Docker Hub alone have a short form. */
export function familiarText(name: string): string {
  return name.startsWith(`${DOCKER_DOMAIN}/`) ? familiarName(parseImageName(name)) : name;
}

/**
 * The recorded names that a typed text may mean, for looking an image up; none for a text that is
 * no name, such as an id.
 */
export function storeNamesOf(text: string): readonly string[] {
  try {
    const reference = parseRef(text);
    const names = [...reference.tags(), ...reference.digests()];
    return names.map((name) => storeNameIn(reference.uri(), name));
  } catch (error) {
    if (error instanceof ImageError) return [];
    throw error;
  }
}

/** A recorded name as a tag or digest of a reference with its origin. */
export function nameInReference(name: string): string {
  const uri = storeNameOrigin(name);
  return uri.startsWith(LIBRARY_SCHEME) ? name.slice(uri.length + 1) : familiarText(name);
}

/**
 * The tag that is recorded for a reference as it was typed; undefined for one with a digest.
 *
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT`
 */
export function storeTagOf(reference: string): string | undefined {
  return parseRef(reference).tags().length === 0 ? undefined : storeNamesOf(reference)[0];
}

/** The recorded name for a tag or digest of a reference with this origin. */
function storeNameIn(uri: string, name: string): string {
  if (uri === DOCKER_URI) return formatImageName(parseImageName(name));
  // Of all names these alone stand in a reference without the host that they belong to.
  return uri.startsWith(LIBRARY_SCHEME) ? `${uri}/${name}` : name;
}
