import {
  ImageError,
  Info,
  nameInReference,
  parseOciConfig,
  Reference,
  storeNameOrigin,
  type ImageHome,
  type OciConfig,
} from "../image/index.ts";
import type { ImageRecord, StoredImage } from "./stored-image.ts";

/**
 * A stored image in the package's own shape; names as people write them.
 *
 * @param home - keeps its borrowers; without one they are kept in memory
 * @throws ImageError `JSON_INVALID`, `CONFIG_INVALID` for a damaged configuration
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

/** Recorded names as a reference has them. */
export function referenceOf({ names: { tags, digests } }: Pick<ImageRecord, "names">): Reference {
  const uri = storeNameOrigin(tags[0] ?? digests[0] ?? "");
  // An image may have names of several origins; a reference has one, that of its first name.
  const own = (name: string): boolean => storeNameOrigin(name) === uri;
  return new Reference(
    uri,
    tags.filter(own).map(nameInReference),
    digests.filter(own).map(nameInReference),
  );
}

/**
 * The configuration that is recorded of an image.
 *
 * @throws ImageError `JSON_INVALID`, `CONFIG_INVALID`
 */
export function ociConfigOf({
  ociConfigJson,
  id,
}: Pick<ImageRecord, "ociConfigJson" | "id">): OciConfig | undefined {
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
