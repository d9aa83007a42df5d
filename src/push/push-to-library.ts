import { ImageError, libraryNameOf, type LibraryName } from "../image/index.ts";
import type { Libraries, LibraryToken, SifUpload } from "../library/index.ts";
import { readPart, type PushOptions, type SifToPush } from "./push-sif.ts";

/** Where in a library a SIF goes. */
export interface LibraryPlace extends Pick<LibraryName, "host" | "path"> {
  /** At least one. */
  readonly tags: readonly string[];
}

export interface LibraryPushOptions extends PushOptions {
  /** As the SIF says it. */
  readonly facts: Pick<SifUpload, "architecture" | "isSigned" | "isEncrypted">;
  readonly token?: LibraryToken;
  readonly warn: (message: string) => void;
}

/**
 * Reads `library://[HOST/]entity/collection/container[:tag[,tag]]`; no tag is `latest`.
 *
 * @throws ImageError `REFERENCE_INVALID` for malformed text, a path of fewer parts, or a hash for a tag
 * @see library.md §2, §9
 */
export function parseLibraryPlace(text: string): LibraryPlace {
  const colon = text.indexOf(":", text.lastIndexOf("/"));
  const path = colon < 0 ? text : text.slice(0, colon);
  const tags = colon < 0 ? ["latest"] : text.slice(colon + 1).split(",");
  const names = tags.map((tag) => libraryNameOf(`${path}:${tag}`));
  const [first] = names;
  const isWhole = first !== undefined && first.path.split("/").length === 3;
  if (isWhole && names.every(({ digest }) => digest === undefined)) {
    return { host: first.host, path: first.path, tags: [...new Set(tags)] };
  }
  const expected = "entity/collection/container with tags, to push to";
  throw new ImageError("REFERENCE_INVALID", `${text}: expected ${expected}`);
}

/**
 * Pushes a SIF file into a library, and gives it tags there.
 *
 * @returns whether the library had the file already
 * @throws LibraryError, HttpError, ImageError `NOT_FOUND`, and RegistryError of a registry behind it
 */
export async function pushToLibrary(
  { path, digest, size }: SifToPush,
  place: LibraryPlace,
  libraries: Libraries,
  { facts, token, warn, onSent }: LibraryPushOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const target = await libraries.openTarget(place, { token, warn }, signal);
  const sif = {
    digest,
    size,
    ...facts,
    read: (from: number, to: number): AsyncIterable<Uint8Array> => readPart(path, from, to),
  };
  return !(await target.push(sif, place.tags, onSent, signal));
}
