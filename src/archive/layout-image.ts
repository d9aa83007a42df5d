import type { Limits } from "../base/index.ts";
import {
  digestHex,
  formatArchiveInput,
  isIndexType,
  isManifestType,
  MEDIA_TYPES,
  parseManifestDocument,
  parseStrictJson,
  type ArchiveInput,
  type Descriptor,
  type ImageName,
} from "../image/index.ts";
import { ArchiveError, archiveInvalid } from "./archive-error.ts";
import { readSmall, type ArchiveFiles } from "./archive-files.ts";
import { ArchiveSource } from "./archive-source.ts";
import { chooseImage, fullNameOf, type ArchivedImage } from "./archived-image.ts";
import type { FoundImage } from "./found-image.ts";

const LAYOUT_FILE = "oci-layout";
const INDEX_FILE = "index.json";
const REF_NAME = "org.opencontainers.image.ref.name";
/** What containerd, BuildKit and Docker since 25 write beside it: a whole name. */
const IMAGE_NAME = "io.containerd.image.name";

/** Whether `files` are an image layout, whatever else they are. */
export async function isLayout(files: ArchiveFiles): Promise<boolean> {
  await using layout = await files.open(LAYOUT_FILE);
  await using index = await files.open(INDEX_FILE);
  return layout !== undefined && index !== undefined;
}

/**
 * Finds the image that `input` means in an image layout.
 *
 * @throws ArchiveError `ARCHIVE_INVALID`, `ARCHIVE_UNSUPPORTED`, `ARCHIVE_AMBIGUOUS`; ImageError
 *   `NOT_FOUND`, `MANIFEST_INVALID`, `DESCRIPTOR_INVALID`, `DIGEST_INVALID`; LimitError
 * @see OCI image-spec, image layout; registry.md §8
 */
export async function findInLayout(
  files: ArchiveFiles,
  input: ArchiveInput,
  limits: Limits,
): Promise<FoundImage> {
  const what = formatArchiveInput({ ...input, choice: { kind: "only" } });
  await checkVersion(files, limits, what);
  const images = (await readIndex(files, limits, what)).flatMap((descriptor, place) =>
    isImage(descriptor) ? [imageOf(descriptor, place, input)] : [],
  );
  const chosen = chooseImage(images, input);
  const source = new ArchiveSource(
    chosen.descriptor,
    { open: ({ digest }) => files.open(`blobs/sha256/${digestHex(digest)}`) },
    { limits, what },
  );
  const names = images.filter(({ key }) => key === chosen.key).flatMap((image) => image.names);
  return { source, names };
}

interface LayoutEntry extends ArchivedImage {
  readonly descriptor: Descriptor;
}

async function checkVersion(files: ArchiveFiles, limits: Limits, what: string): Promise<void> {
  const name = `${LAYOUT_FILE} of ${what}`;
  const options = { limits, limit: "manifestBytes", what: name } as const;
  const bytes = await readSmall(files, LAYOUT_FILE, options);
  if (bytes === undefined) throw archiveInvalid(what, `an image layout, got no ${LAYOUT_FILE}`);
  const document = parseStrictJson(bytes, name);
  const version =
    typeof document === "object" && document !== null && "imageLayoutVersion" in document
      ? document.imageLayoutVersion
      : undefined;
  if (typeof version !== "string") throw archiveInvalid(name, "an imageLayoutVersion");
  if (/^1\./.test(version)) return;
  const got = JSON.stringify(version.slice(0, 100));
  const message = `${name}: expected version 1 of image layouts, got ${got}`;
  throw new ArchiveError("ARCHIVE_UNSUPPORTED", message);
}

async function readIndex(
  files: ArchiveFiles,
  limits: Limits,
  what: string,
): Promise<readonly Descriptor[]> {
  const name = `${INDEX_FILE} of ${what}`;
  const options = { limits, limit: "manifestBytes", what: name } as const;
  const bytes = await readSmall(files, INDEX_FILE, options);
  if (bytes === undefined) throw archiveInvalid(what, `an image layout, got no ${INDEX_FILE}`);
  const document = parseManifestDocument(bytes, MEDIA_TYPES.ociIndex, name, limits);
  if (document.kind !== "index") throw archiveInvalid(name, "an index, got a manifest");
  return document.manifests;
}

/** Signatures, attestations and other artifacts may lie beside images. */
function isImage({ mediaType, platform }: Descriptor): boolean {
  if (platform?.os === "unknown") return false;
  return isManifestType(mediaType) || isIndexType(mediaType);
}

function imageOf(descriptor: Descriptor, place: number, input: ArchiveInput): LayoutEntry {
  const { [REF_NAME]: refName, [IMAGE_NAME]: imageName } = descriptor.annotations ?? {};
  const full = [imageName, refName].flatMap((text): { text: string; name: ImageName }[] => {
    const name = text === undefined ? undefined : fullNameOf(text);
    return text === undefined || name === undefined ? [] : [{ text, name }];
  });
  const own = refName === undefined ? [] : [refName];
  return {
    descriptor,
    key: descriptor.digest,
    // By the name of a Docker archive no tag alone is meant, which such a text may be.
    texts: input.kind === "docker-archive" ? full.map(({ text }) => text) : own,
    names: full.map(({ name }) => name),
    digest: descriptor.digest,
    place,
  };
}
