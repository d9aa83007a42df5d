import {
  formatImageName,
  ImageError,
  imageNameOf,
  isArchiveInput,
  isLibraryName,
  repositoryName,
  type BlobSource,
  type Descriptor,
  type ImageSource,
  type SignatureRepository,
} from "../image/index.ts";
import type { Names } from "../store/index.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";

/** What a pull was asked for, with the place that it comes from; disposing closes what was opened. */
export type OpenedSource = OpenedPlace &
  (
    | { readonly kind: "image"; readonly source: ImageSource }
    /** The name means a SIF file itself, which was looked up when the source was opened. */
    | { readonly kind: "file"; readonly source: BlobSource; readonly file: Descriptor }
  );

/** What of an opened source does not depend on its kind. */
export interface OpenedPlace extends AsyncDisposable {
  /** Whether nobody said of what bytes it is before they came. */
  readonly isUnverified?: boolean;
  /** What is recorded as where the image came from, and what messages call it. */
  readonly what: string;
  /** Path within the registry or the library; undefined where there is none. */
  readonly repository: string | undefined;
  /** Where signatures of the image lie; absent where there is no such place. */
  readonly signatures?: SignatureRepository;
  /** The names that a pull records, given what the name means now. */
  readonly names: (root: Descriptor) => Names;
}

/**
 * Opens what `reference` names: a repository of a registry, an image of a library, which is looked up
 * then, or a layout or an archive, of which the image is chosen then.
 *
 * @param spoolIn - makes a directory for what cannot be read as it is; used only while this runs
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT` for what is pulled from nowhere,
 *   `NOT_FOUND`; and as `openLibrary`, `openArchive`
 */
export async function openSource(
  reference: string,
  context: PullContext,
  options: PullOptions,
  spoolIn: () => Promise<ScratchDirectory>,
  signal: AbortSignal,
): Promise<OpenedSource> {
  if (isLibraryName(reference)) {
    const { openLibrary } = await import("./open-library.ts");
    return await openLibrary(reference, context, options, spoolIn, signal);
  }
  if (!isArchiveInput(reference)) return openRegistry(reference, context, options);
  const { openArchived } = await import("./open-archived.ts");
  return await openArchived(reference, context, options, spoolIn, signal);
}

/** What the name of an opened source means now. */
export async function rootOf(opened: OpenedSource, signal: AbortSignal): Promise<Descriptor> {
  return opened.kind === "file" ? opened.file : await opened.source.resolve(signal);
}

function openRegistry(
  reference: string,
  { registries }: PullContext,
  { names, credentials }: PullOptions,
): OpenedSource {
  const name = imageNameOf(reference);
  const what = formatImageName(name);
  if (names !== undefined) {
    const message = `${what}: expected no other names for an image of a registry`;
    throw new ImageError("REFERENCE_INVALID", message);
  }
  return {
    kind: "image",
    source: registries.open(name, credentials),
    what,
    repository: name.repository,
    signatures: registries.openAttachments(name, credentials),
    names: (root) => ({
      tags: name.tag === undefined ? [] : [what],
      digests: [`${repositoryName(name)}@${root.digest}`],
    }),
    async [Symbol.asyncDispose]() {},
  };
}
