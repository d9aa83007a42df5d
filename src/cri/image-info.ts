import { ociConfigOf, type StoredImage } from "../store/index.ts";
import { rootFileSystem } from "../pull/index.ts";

/** Raised when a member of the JSON below changes its meaning or goes; new ones come without notice. */
const CONTRACT_VERSION = 1;

/**
 * All that a runtime on the node and people want to know of an image, as one JSON document.
 *
 * @throws SifError, and system errors as they are, where the file cannot be read
 * @see docs/consumers.md
 */
export async function imageInfo(image: StoredImage, signal: AbortSignal): Promise<string> {
  const { path, platform, profile, source, borrowers } = image;
  const { offset, size, kind, compressor, architecture } = await rootFileSystem(path, signal);
  return JSON.stringify({
    version: CONTRACT_VERSION,
    imageSpec: {
      os: platform.os,
      architecture: platform.architecture,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      config: ociConfigOf(image) ?? null,
    },
    sif: {
      path,
      size: image.size,
      partition: {
        offset,
        size,
        fileSystem: kind,
        compressor: compressor ?? null,
        architecture: architecture ?? null,
      },
      origin: image.origin,
      profile: profile ?? null,
    },
    source: {
      reference: source.reference,
      host: source.host ?? null,
      indexDigest: source.indexDigest ?? null,
      manifestDigest: source.manifestDigest ?? null,
      configDigest: source.configDigest ?? null,
      layers: source.layers,
    },
    borrowers,
    createdAt: image.createdAt,
    lastUsedAt: image.lastUsedAt,
    sideLoaded: image.sideLoaded,
  });
}
