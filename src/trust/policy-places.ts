import { isAbsolute } from "node:path";
import type { PolicyPlace } from "../cosign/index.ts";
import {
  formatLibraryName,
  ImageError,
  type ImageName,
  imageNameOf,
  isArchiveInput,
  isLibraryName,
  type JudgedImage,
  libraryNameOf,
  LIBRARY_SCHEME,
  LOCAL_URI,
  parseArchiveInput,
  repositoryName,
} from "../image/index.ts";

/** Any place but a registry. */
type PathPlace = Extract<PolicyPlace, { readonly path: string }>;

/**
 * As what a policy.json knows an image: by where it came from, and one of a registry by each of its tags,
 * or in a repository where it has none by its digests. A tag is what one asks for; that its digest is
 * recorded, too, is nobody's demand. What came from somewhere else first and then, too, from where one
 * of its names stands for, is known as both.
 */
export function policyPlaces({
  from,
  names,
}: Pick<JudgedImage, "from" | "names">): readonly [PolicyPlace, ...PolicyPlace[]] {
  const origin = placeOf(from);
  const others = names.flatMap((name) => otherPlace(name, origin) ?? []);
  const own = names.filter((name) => placeOf(name) === undefined).map(imageNameOf);
  if (origin !== undefined) return [origin, ...registryPlaces(pulledOf(own)), ...others];
  const [first = registryPlace(from), ...more] = registryPlaces(own);
  return [first, ...more, ...others];
}

/** What a reference or a name stands for; undefined for one of a registry. */
function placeOf(from: string): PathPlace | undefined {
  if (isArchiveInput(from)) {
    const { kind, path } = parseArchiveInput(from);
    return { transport: kind, path };
  }
  if (isAbsolute(from)) return { transport: "sif", path: from };
  if (from.startsWith(`${LOCAL_URI}/`)) {
    return { transport: "sif", path: from.slice(LOCAL_URI.length) };
  }
  if (!isLibraryName(from)) return undefined;
  const name = formatLibraryName(libraryNameOf(from));
  const path = name.startsWith(LIBRARY_SCHEME) ? name.slice(LIBRARY_SCHEME.length) : name;
  return { transport: "library", path };
}

/** What a name stands for besides where the image came from first. */
function otherPlace(name: string, origin: PathPlace | undefined): PathPlace | undefined {
  const place = placeOf(name);
  if (place === undefined || place.path === origin?.path) return undefined;
  // As with registries, a tag is what one asks for.
  if (place.transport === "library") return libraryNameOf(name).digest ? undefined : place;
  // A name may lead to a file by links or an alias: it is known by its own path.
  return origin?.transport === place.transport ? undefined : place;
}

/** Whoever names an archive gives it tags; a registry that was asked has given a digest along with them. */
function pulledOf(names: readonly ImageName[]): readonly ImageName[] {
  const asked = new Set(
    names.filter(({ digest }) => digest !== undefined).map((name) => repositoryName(name)),
  );
  return names.filter((name) => asked.has(repositoryName(name)));
}

function registryPlaces(names: readonly ImageName[]): readonly PolicyPlace[] {
  return [...Map.groupBy(names, repositoryName).values()].flatMap((same) => {
    const tagged = same.filter(({ tag }) => tag !== undefined);
    return (tagged.length > 0 ? tagged : same).map((name) => ({ transport: "docker", name }));
  });
}

function registryPlace(from: string): PolicyPlace {
  try {
    return { transport: "docker", name: imageNameOf(from) };
  } catch (error) {
    // An image that nobody knows the origin of.
    if (error instanceof ImageError) return { transport: "sif", path: from };
    throw error;
  }
}
