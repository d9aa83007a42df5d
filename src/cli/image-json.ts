import { formatPlatform, type InfoJson, type Profile } from "../image/index.ts";
import type { PartitionPlace } from "../pull/index.ts";
import { infoOf, isPinned, type Names, type Provenance, type StoredImage } from "../store/index.ts";

/** One borrow; times in RFC 3339. */
interface BorrowJson {
  readonly who: string;
  /** The canonical name that it was taken under; absent: by id. */
  readonly reference?: string;
  readonly takenAt: string;
  readonly expiresAt?: string;
  readonly note?: string;
}

/** All that is known of a stored image: `Info` and more. Times in RFC 3339, sizes in bytes. */
export interface ImageJson extends InfoJson {
  /** Canonical names, of whatever origin. */
  readonly names: Names;
  /** As `--platform` has it: `linux/arm64/v8`. */
  readonly platform: string;
  readonly profile?: Profile;
  readonly contentKey?: string;
  readonly source: Provenance;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly borrowers: readonly BorrowJson[];
  /** By itself or by a pattern of the configuration. */
  readonly pinned: boolean;
  /** Brought by hand. */
  readonly sideLoaded: boolean;
  /** Files outside the store that are this image. */
  readonly localFiles: readonly string[];
}

/**
 * What `images --json` shows of an image.
 *
 * @param pins - patterns of the configuration
 */
export function imageJson(image: StoredImage, pins: readonly string[]): ImageJson {
  const { profile, contentKey } = image;
  return {
    ...infoOf(image).toJSON(),
    names: image.names,
    platform: formatPlatform(image.platform),
    ...(profile === undefined ? {} : { profile }),
    ...(contentKey === undefined ? {} : { contentKey }),
    source: image.source,
    createdAt: timeText(image.createdAt),
    lastUsedAt: timeText(image.lastUsedAt),
    borrowers: image.borrowers.map(({ who, reference, takenAt, expiresAt, note }) => ({
      who,
      ...(reference === undefined ? {} : { reference }),
      takenAt: timeText(takenAt),
      ...(expiresAt === undefined ? {} : { expiresAt: timeText(expiresAt) }),
      ...(note === undefined ? {} : { note }),
    })),
    pinned: isPinned(image, pins),
    sideLoaded: image.sideLoaded,
    localFiles: image.localFiles.map(({ path }) => path),
  };
}

/** What `inspect --json` shows. */
export interface InspectedImage extends ImageJson {
  /** Where the root file system lies in the file; null where the file has none. */
  readonly partition: PartitionPlace | null;
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}
