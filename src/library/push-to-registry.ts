import { createHash } from "node:crypto";
import { CodedError, inOneChunk, type Limits } from "../base/index.ts";
import {
  type Descriptor,
  ImageError,
  MEDIA_TYPES,
  parseDigest,
  parseManifestDocument,
} from "../image/index.ts";
import type { SifUpload } from "./library-upload.ts";
import type { NamedRegistry, RegistryOpener } from "./registry-opener.ts";

export interface RegistryPushOptions {
  readonly registries: RegistryOpener;
  readonly limits: Limits;
  /** Asks the library where the registry is, and for a fresh token; undefined: there is none. */
  readonly findPlace: (signal: AbortSignal) => Promise<NamedRegistry | undefined>;
  /** The container, as messages name it. */
  readonly what: string;
  /** Told how many bytes of the file are there. */
  readonly onSent: (bytes: number) => void;
}

/**
 * Puts a SIF into the registry behind a library as the vendor's clients do: the file, a configuration,
 * a manifest under its hash, and under each tag an index that keeps what was there for other
 * architectures. Once the registry does not know the library's token any more, the library is asked for
 * another one, and what is there already is not sent again.
 *
 * @returns whether bytes of the file had to be sent; undefined where the library names no registry
 * @throws what the registry throws; LibraryError `LIBRARY_PROTOCOL`
 * @see library.md §9 step 2
 */
export async function pushToRegistry(
  sif: SifUpload,
  tags: readonly string[],
  options: RegistryPushOptions,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const place = await options.findPlace(signal);
  if (place === undefined) return undefined;
  let bytesSent = 0;
  const onSent = (bytes: number): void => {
    bytesSent = bytes;
    options.onSent(bytes);
  };
  try {
    return await pushTo(place, sif, tags, { ...options, onSent }, signal);
  } catch (error) {
    const isRefused = error instanceof CodedError && error.code === "REGISTRY_UNAUTHORIZED";
    if (!isRefused || bytesSent === 0) throw error;
    const renewed = await options.findPlace(signal);
    if (renewed === undefined) throw error;
    await pushTo(renewed, sif, tags, options, signal);
    return true;
  }
}

async function pushTo(
  place: NamedRegistry,
  sif: SifUpload,
  tags: readonly string[],
  options: RegistryPushOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { architecture, digest, size, isSigned, isEncrypted } = sif;
  const target = options.registries.openNamedTarget(place);
  const file = { mediaType: MEDIA_TYPES.sifLayer, digest, size };
  const { onSent } = options;
  const read = (from: number, to: number): AsyncIterable<Uint8Array> => sif.read(from, to);
  const wasSent = await target.putBlob({ descriptor: file, read }, { onSent }, signal);
  const about = { architecture, os: "linux", rootfs: digest };
  const config = documentOf(MEDIA_TYPES.sifConfig, {
    ...about,
    ...{ signed: isSigned, encrypted: isEncrypted },
  });
  const readConfig = (from: number, to: number): AsyncIterable<Uint8Array> =>
    inOneChunk(config.bytes.subarray(from, to));
  await target.putBlob({ descriptor: config.descriptor, read: readConfig }, {}, signal);
  const manifest = documentOf(MEDIA_TYPES.ociManifest, {
    ...{ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest },
    ...{ config: config.descriptor, layers: [file] },
  });
  const hash = digest.replace(":", ".");
  await target.putManifest(hash, manifest.descriptor, manifest.bytes, signal);
  const own = { ...manifest.descriptor, platform: { os: "linux", architecture } };
  for (const tag of tags) {
    const others = await othersUnder(tag, place, architecture, options, signal);
    const index = documentOf(MEDIA_TYPES.ociIndex, {
      ...{ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex },
      manifests: [...others, own],
    });
    await target.putManifest(tag, index.descriptor, index.bytes, signal);
  }
  return wasSent;
}

/** What the index under a tag has for other architectures. */
async function othersUnder(
  tag: string,
  place: NamedRegistry,
  architecture: string,
  { registries, what, limits }: RegistryPushOptions,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const source = registries.openNamed({ ...place, name: { ...place.name, tag } });
  try {
    const { bytes, mediaType } = await source.fetchDocument(await source.resolve(signal), signal);
    const document = parseManifestDocument(bytes, mediaType, what, limits);
    // A manifest alone does not say what it is for, so it makes room as it does in a library.
    if (document.kind === "manifest") return [];
    return document.manifests.filter(({ platform }) => platform?.architecture !== architecture);
  } catch (error) {
    if (error instanceof ImageError && error.code === "NOT_FOUND") return [];
    throw error;
  }
}

function documentOf(
  mediaType: string,
  document: object,
): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } {
  const bytes = Buffer.from(JSON.stringify(document));
  const hex = createHash("sha256").update(bytes).digest("hex");
  const descriptor = { mediaType, digest: parseDigest(`sha256:${hex}`), size: bytes.length };
  return { descriptor, bytes };
}
