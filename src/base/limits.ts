import { CodedError } from "./coded-error.ts";

/**
 * Bounds on what hostile input can make us hold or do. All are inclusive maxima; every one has the
 * error code beside it in `LIMIT_CODES`. They bound decompressed bytes and not holes, but for
 * `logicalBytes`, and where a hole has to be stored because of what lies beside it.
 */
export interface Limits {
  /** Bytes of one manifest or index. */
  readonly manifestBytes: number;
  /** Bytes of one image configuration. */
  readonly configBytes: number;
  /** Layers of one image. */
  readonly layers: number;
  /** Tar entries of one image, all layers together, and directories that they only imply. */
  readonly entries: number;
  /** Decompressed bytes of one layer's tar stream. */
  readonly layerBytes: number;
  /** Decompressed bytes of all layers of one image, and bytes of holes that share a block with data. */
  readonly imageBytes: number;
  /** Bytes of one extended (PAX or GNU) tar header. */
  readonly headerBytes: number;
  /** Bytes of one cleaned path in a layer, and of one in the image, where links may lead deeper. */
  readonly pathBytes: number;
  /** Components of one such path. */
  readonly pathDepth: number;
  /** Bytes of one symbolic link's target; one more cannot be read back by Linux. */
  readonly linkTargetBytes: number;
  /** Bytes of all extended attributes (names and values) of one entry. */
  readonly xattrBytes: number;
  /** Segments in the map of one sparse file. */
  readonly sparseSegments: number;
  /** Base-2 logarithm of the largest zstd window that a layer may ask for. */
  readonly zstdWindowLog: number;
  /** Distinct user and group ids of one image (squashfs stores their number in 16 bits). */
  readonly ids: number;
  /** Bytes of all names and link targets of one image. */
  readonly nameBytes: number;
  /** Bytes of all different sets of extended attributes of one image. */
  readonly imageXattrBytes: number;
  /** Names that symbolic links bring into the paths of one image's entries. */
  readonly linkSteps: number;
  /** Bytes of all files of one image, holes included. */
  readonly logicalBytes: number;
  /** Entries of the tar archive that an image is pulled from. */
  readonly archiveEntries: number;
  /** Decompressed bytes of such an archive, where it has to be spooled. */
  readonly archiveBytes: number;
}

export type LimitCode =
  | "LIMIT_MANIFEST_BYTES"
  | "LIMIT_CONFIG_BYTES"
  | "LIMIT_LAYERS"
  | "LIMIT_ENTRIES"
  | "LIMIT_LAYER_BYTES"
  | "LIMIT_IMAGE_BYTES"
  | "LIMIT_HEADER_BYTES"
  | "LIMIT_PATH_BYTES"
  | "LIMIT_PATH_DEPTH"
  | "LIMIT_LINK_TARGET_BYTES"
  | "LIMIT_XATTR_BYTES"
  | "LIMIT_SPARSE_SEGMENTS"
  | "LIMIT_ZSTD_WINDOW"
  | "LIMIT_IDS"
  | "LIMIT_NAME_BYTES"
  | "LIMIT_IMAGE_XATTR_BYTES"
  | "LIMIT_LINK_STEPS"
  | "LIMIT_LOGICAL_BYTES"
  | "LIMIT_ARCHIVE_ENTRIES"
  | "LIMIT_ARCHIVE_BYTES";

/** The code of each limit, so that a refusal says which bound was met. */
export const LIMIT_CODES: Readonly<Record<keyof Limits, LimitCode>> = {
  manifestBytes: "LIMIT_MANIFEST_BYTES",
  configBytes: "LIMIT_CONFIG_BYTES",
  layers: "LIMIT_LAYERS",
  entries: "LIMIT_ENTRIES",
  layerBytes: "LIMIT_LAYER_BYTES",
  imageBytes: "LIMIT_IMAGE_BYTES",
  headerBytes: "LIMIT_HEADER_BYTES",
  pathBytes: "LIMIT_PATH_BYTES",
  pathDepth: "LIMIT_PATH_DEPTH",
  linkTargetBytes: "LIMIT_LINK_TARGET_BYTES",
  xattrBytes: "LIMIT_XATTR_BYTES",
  sparseSegments: "LIMIT_SPARSE_SEGMENTS",
  zstdWindowLog: "LIMIT_ZSTD_WINDOW",
  ids: "LIMIT_IDS",
  nameBytes: "LIMIT_NAME_BYTES",
  imageXattrBytes: "LIMIT_IMAGE_XATTR_BYTES",
  linkSteps: "LIMIT_LINK_STEPS",
  logicalBytes: "LIMIT_LOGICAL_BYTES",
  archiveEntries: "LIMIT_ARCHIVE_ENTRIES",
  archiveBytes: "LIMIT_ARCHIVE_BYTES",
};

/** Input that asks for more than a configured bound. */
export class LimitError extends CodedError<LimitCode> {}

const MiB = 1024 * 1024;
const TiB = 1024 * 1024 * MiB;

export const DEFAULT_LIMITS: Limits = {
  manifestBytes: 4 * MiB,
  configBytes: 4 * MiB,
  layers: 1024,
  entries: 10_000_000,
  layerBytes: TiB,
  imageBytes: 4 * TiB,
  headerBytes: MiB,
  pathBytes: 65_536,
  pathDepth: 1024,
  linkTargetBytes: 4095,
  xattrBytes: 256 * 1024,
  sparseSegments: 1_000_000,
  zstdWindowLog: 27,
  ids: 65_535,
  nameBytes: 2048 * MiB,
  imageXattrBytes: 128 * MiB,
  linkSteps: 50_000_000,
  logicalBytes: 64 * TiB,
  archiveEntries: 100_000,
  archiveBytes: TiB,
};

/**
 * The error for going past `limit`.
 *
 * @param what - the thing that is too large, as the user knows it
 * @param got - its measure, in the limit's unit, or undefined while it is only known to be larger
 */
export function limitError(
  limits: Limits,
  limit: keyof Limits,
  what: string,
  got?: number,
): LimitError {
  const came = got === undefined ? "" : `, got ${got}`;
  return new LimitError(
    LIMIT_CODES[limit],
    `${what}: more than the limit ${limit} = ${limits[limit]} allows${came}`,
  );
}
