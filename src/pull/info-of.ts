import {
  DOCKER_URI,
  familiarName,
  formatImageName,
  ImageError,
  Info,
  LIBRARY_SCHEME,
  LIBRARY_URI,
  LOCAL_URI,
  parseImageName,
  parseOciConfig,
  parseRef,
  repositoryName,
  Reference,
  type ImageHome,
} from "../image/index.ts";
import type { DescribedFile } from "./local-file.ts";
import type { PulledFile } from "./pull-to-file.ts";
import type { StoredImage } from "../store/index.ts";

/**
 * A stored image in the package's own shape; names as people write them.
 *
 * @param home - keeps its borrowers; without one they are kept in memory
 */
export function infoOf(image: StoredImage, home?: ImageHome): Info {
  return new Info(
    {
      id: image.id,
      size: image.size,
      path: image.path,
      ref: referenceOf(image),
      ociConfig: ociConfigOf(image),
      origin: image.origin,
      usedBy: image.borrowers.map(({ who }) => who),
    },
    home,
  );
}

/** A pulled file in the package's own shape; its names are those that a store would record. */
export function infoOfFile(file: PulledFile, reference: string): Info {
  const ref = parseRef(reference);
  ref.addDigests([familiarText(`${repositoryName(file.name)}@${file.rootDigest}`)]);
  const { id, size, path, config } = file;
  return new Info({ id, size, path, ref, ociConfig: config, origin: "layers" });
}

/** A described file of this host in the package's own shape. */
export function infoOfLocal(file: DescribedFile, reference: string): Info {
  const { id, size, path } = file;
  return new Info({
    id,
    size,
    path,
    ref: parseRef(reference),
    ociConfig: ociConfigOf(file),
    origin: "local",
  });
}

function referenceOf({ names: { tags, digests } }: StoredImage): Reference {
  const uri = originOf(tags[0] ?? digests[0] ?? "");
  // An image may have names of several origins; a reference has one, that of its first name.
  const own = (name: string): boolean => originOf(name) === uri;
  return new Reference(
    uri,
    tags.filter(own).map(familiarText),
    digests.filter(own).map(familiarText),
  );
}

function ociConfigOf({
  ociConfigJson,
  id,
}: Pick<StoredImage, "ociConfigJson" | "id">): Info["ociConfig"] {
  if (ociConfigJson === undefined) return undefined;
  const what = `recorded configuration of image ${id}`;
  // Written by us, in one form alone: the strict reader is for what others wrote.
  return parseOciConfig(parseOwnJson(ociConfigJson, what), what);
}

function parseOwnJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ImageError("JSON_INVALID", `${what}: ${error.message}`, { cause: error });
  }
}

/** The origin domain of a recorded name: all registries have one. */
function originOf(name: string): string {
  if (name.startsWith(`${LIBRARY_URI}/`)) return LIBRARY_URI;
  if (name.startsWith(`${LOCAL_URI}/`)) return LOCAL_URI;
  if (!name.startsWith(LIBRARY_SCHEME)) return DOCKER_URI;
  const slash = name.indexOf("/", LIBRARY_SCHEME.length);
  return name.slice(0, slash);
}

/** A recorded name in its short form. */
export function familiarText(name: string): string {
  return originOf(name) === DOCKER_URI ? familiarName(parseImageName(name)) : name;
}

/**
 * The recorded names that a typed text may mean, for looking an image up; none for a text that is
 * no name, such as an id.
 */
export function storeNamesOf(text: string): readonly string[] {
  try {
    const reference = parseRef(text);
    const names = [...reference.tags(), ...reference.digests()];
    if (reference.uri() !== DOCKER_URI) return names;
    return names.map((name) => formatImageName(parseImageName(name)));
  } catch (error) {
    if (error instanceof ImageError) return [];
    throw error;
  }
}

/**
 * The tag that is recorded for a reference as it was typed; undefined for one with a digest.
 *
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT`
 */
export function storeTagOf(reference: string): string | undefined {
  return parseRef(reference).tags().length === 0 ? undefined : storeNamesOf(reference)[0];
}
