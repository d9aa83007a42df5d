import {
  formatArchiveInput,
  ImageError,
  imageNameOf,
  type ArchiveInput,
  type Digest,
  type ImageChoice,
  type ImageName,
} from "../image/index.ts";
import { ArchiveError } from "./archive-error.ts";

/** One of the images of an archive, as its list of images has it. */
export interface ArchivedImage {
  /** Tells whether two are the same one. */
  readonly key: string;
  /** Texts that choose it as they stand. */
  readonly texts: readonly string[];
  /** Names in registries that the archive gives it. */
  readonly names: readonly ImageName[];
  /** Of its manifest or index, where the archive says it. */
  readonly digest: Digest | undefined;
  /** In the list, from 0 on. */
  readonly place: number;
}

const MOST_SHOWN = 20;

/**
 * The image that is meant, of those that an archive holds.
 *
 * @throws ImageError `NOT_FOUND`; ArchiveError `ARCHIVE_AMBIGUOUS`; both name what there is, each as
 *   it is chosen
 */
export function chooseImage<Image extends ArchivedImage>(
  images: readonly Image[],
  input: ArchiveInput,
): Image {
  const matching = images.filter((image) => matches(image, input.choice));
  const [first] = matching;
  const what = formatArchiveInput(input);
  if (first === undefined) {
    throw new ImageError("NOT_FOUND", `${what}: no such image; ${listing(images, input)}`);
  }
  if (matching.every(({ key }) => key === first.key)) return first;
  const message = `${what}: expected one image, got several; ${listing(matching, input)}`;
  throw new ArchiveError("ARCHIVE_AMBIGUOUS", message);
}

/**
 * The name that `text` gives an image: one that says its registry or its tag, and no digest, of which
 * an archive proves nothing. Undefined for any other text, such as the tag alone.
 */
export function fullNameOf(text: string): ImageName | undefined {
  const slash = text.indexOf("/");
  const hasTag = text.lastIndexOf(":") > slash;
  const hasHost = /[.:]|^localhost$/.test(text.slice(0, Math.max(0, slash)));
  if ((!hasTag && !hasHost) || text.includes("@")) return undefined;
  return nameOf(text);
}

/** The name that `text` means in a registry, whatever transport it begins with; undefined for none. */
export function nameOf(text: string): ImageName | undefined {
  try {
    return imageNameOf(`docker://${text}`);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function matches(image: ArchivedImage, choice: ImageChoice): boolean {
  switch (choice.kind) {
    case "only":
      return true;
    case "name": {
      if (image.texts.includes(choice.name)) return true;
      const name = nameOf(choice.name);
      return name !== undefined && image.names.some((own) => isSame(own, name));
    }
    case "digest":
      return image.digest === choice.digest;
    case "place":
      return image.place === choice.place;
  }
}

function isSame(one: ImageName, other: ImageName): boolean {
  return (
    one.domain === other.domain && one.repository === other.repository && one.tag === other.tag
  );
}

/** What there is, each as it is chosen. */
function listing(images: readonly ArchivedImage[], input: ArchiveInput): string {
  const choices = images.map((image) => formatArchiveInput({ ...input, choice: choiceOf(image) }));
  const distinct = [...new Set(choices)];
  if (distinct.length === 0) return "it holds none";
  const shown = distinct.slice(0, MOST_SHOWN).join(", ");
  const more = distinct.length - MOST_SHOWN;
  return `it holds ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}

function choiceOf({ texts: [text], digest, place }: ArchivedImage): ImageChoice {
  if (text !== undefined) return { kind: "name", name: text };
  return digest === undefined ? { kind: "place", place } : { kind: "digest", digest };
}
