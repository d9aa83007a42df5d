import { CodedError } from "../base/index.ts";

/**
 * - `LAYER_COMPRESSION`: no tar, gzip or zstd, or zstd that needs a dictionary
 * - `LAYER_ENCRYPTED`: the media type says that the layer is encrypted
 * - `LAYER_CORRUPT`, `LAYER_TRUNCATED`: the compressed stream is damaged, or ends too early
 * - `TAR_CHECKSUM`: a block where a header must stand is none
 * - `TAR_HEADER`: a header field that holds no number, or an entry after a lone zero block
 * - `TAR_PAX`: an extended header that breaks the record grammar or the rules of a keyword
 * - `TAR_SPARSE`: a sparse map that is malformed, or contradicts the sizes beside it
 * - `TAR_TYPE`: an entry type that nobody here knows
 * - `TAR_PATH`: a name, or the target of a link, that no file system can hold
 * - `TAR_ID`, `TAR_DEVICE`: an owner or device number out of range
 * - `TAR_TRUNCATED`: the archive ends inside an entry
 */
export type LayerErrorCode =
  | "LAYER_COMPRESSION"
  | "LAYER_ENCRYPTED"
  | "LAYER_CORRUPT"
  | "LAYER_TRUNCATED"
  | "TAR_CHECKSUM"
  | "TAR_HEADER"
  | "TAR_PAX"
  | "TAR_SPARSE"
  | "TAR_TYPE"
  | "TAR_PATH"
  | "TAR_ID"
  | "TAR_DEVICE"
  | "TAR_TRUNCATED";

/** A layer that cannot be decompressed, or a tar archive that cannot be read. */
export class LayerError extends CodedError<LayerErrorCode> {}
