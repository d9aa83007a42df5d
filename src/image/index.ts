export { canonicalJson } from "./canonical-json.ts";
export { contentKey, ociConfigJson } from "./content-key.ts";
export type { Descriptor, Platform } from "./descriptor.ts";
export { digestHex, isDigest, parseDigest, type Digest } from "./digest.ts";
export { parseImageConfig, type ImageConfig } from "./image-config.ts";
export { ContentError, ImageError, type ImageErrorCode } from "./image-error.ts";
export type { ImageHome } from "./image-home.ts";
export {
  familiarName,
  formatImageName,
  parseImageName,
  repositoryName,
  type ImageName,
} from "./image-name.ts";
export { imageNameOf } from "./image-name-of.ts";
export type { Document, ImageSource } from "./image-source.ts";
export {
  ID_LEN,
  Info,
  type ImageFilter,
  type ImageOrigin,
  type InfoFields,
  type InfoJson,
} from "./info.ts";
export {
  parseManifestDocument,
  type Manifest,
  type ManifestDocument,
  type ManifestIndex,
} from "./manifest.ts";
export {
  isImageConfigType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  MEDIA_TYPES,
} from "./media-type.ts";
export { isNamePattern, matchesNamePattern, NAME_PATTERN_FORM } from "./name-pattern.ts";
export { normalizedImageRef } from "./normalized-image-ref.ts";
export { parseOciConfig, type OciConfig, type OciSet } from "./oci-config.ts";
export {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
} from "./platform.ts";
export { parseDescriptor } from "./parse-descriptor.ts";
export { parseRef } from "./parse-ref.ts";
export {
  fitsWish,
  hasFrozenCodec,
  hasLayout,
  type Compression,
  type Layout,
  type Owners,
  type Profile,
  type ProfileChoice,
  type ProfileWish,
} from "./profile.ts";
export {
  DOCKER_URI,
  LIBRARY_SCHEME,
  LIBRARY_URI,
  LOCAL_URI,
  Reference,
  type ReferenceJson,
} from "./reference.ts";
export { parseStrictJson } from "./strict-json.ts";
export { checkDigest, verified } from "./verified.ts";
