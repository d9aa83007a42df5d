import { ociConfigJson, type Descriptor } from "../image/index.ts";
import type { ManifestKey, Names, Publication } from "../store/index.ts";
import type { ConvertedFile } from "./convert-image.ts";
import { deliveriesOf, type ResolvedImage } from "./resolve-image.ts";

/** What was pulled, and what it meant then. */
export interface PulledName {
  readonly reference: string;
  /** Registry host and port; absent where the caller brought the bytes. */
  readonly host: string | undefined;
  /** Whether nobody said of what bytes it is before they came. */
  readonly isUnverified: boolean;
  readonly root: Descriptor;
  readonly names: Names;
  /** Under which the content is recorded; absent where nobody could be asked for it again. */
  readonly manifest: ManifestKey | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What the store is told of a converted image. */
export function publicationOf(
  { reference, host, root, names, manifest, now }: PulledName,
  image: ResolvedImage,
  file: ConvertedFile,
): Publication {
  const { config, contentKey } = image;
  return {
    file: file.path,
    id: file.id,
    size: file.size,
    names,
    origin: "layers",
    contentKey,
    profile: file.profile,
    platform: { os: config.os, architecture: config.architecture, variant: config.variant },
    ociConfigJson: Buffer.from(ociConfigJson(config.config)).toString(),
    source: {
      reference,
      ...(host === undefined ? {} : { host }),
      ...(image.manifestDigest === root.digest ? {} : { indexDigest: root.digest }),
      manifestDigest: image.manifestDigest,
      configDigest: image.configDigest,
      layers: image.layers.map(({ descriptor, diffId }) => ({
        digest: descriptor.digest,
        size: descriptor.size,
        mediaType: descriptor.mediaType,
        diffId,
      })),
    },
    createdAt: now,
    ...(host === undefined ? {} : { deliveries: { host, layers: deliveriesOf(image) } }),
    // No registry was asked who may have it.
    ...(host === undefined ? { sideLoaded: true } : {}),
    ...(manifest === undefined ? {} : { manifest: { ...manifest, contentKey } }),
  };
}
