export {
  archiveBaseName,
  formatArchiveInput,
  isArchiveInput,
  parseArchiveInput,
  STANDARD_INPUT,
  type ArchiveInput,
  type ImageChoice,
} from "./archive-input.ts";
export { canonicalJson } from "./canonical-json.ts";
export { contentKey, ociConfigJson } from "./content-key.ts";
export type { Descriptor, Platform } from "./descriptor.ts";
export { digestHex, isDigest, parseDigest, type Digest } from "./digest.ts";
export { parseImageConfig, type ImageConfig } from "./image-config.ts";
export type { SifCoverage, SignatureEvidence, Signer, Verdict } from "./evidence.ts";
export type { ImageEvidence, ImageSigner } from "./image-evidence.ts";
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
export type { BlobSource, Document, FilePart, ImageSource } from "./image-source.ts";
export {
  ID_LEN,
  Info,
  type ImageFilter,
  type ImageOrigin,
  type InfoFields,
  type InfoJson,
} from "./info.ts";
export type { JudgedFile, JudgedImage } from "./judged-image.ts";
export { isAbsent, isRecord, kindOf, stringMembers } from "./json-value.ts";
export { KnownCodecs } from "./known-codecs.ts";
export {
  formatLibraryName,
  isLibraryName,
  libraryNameOf,
  type LibraryName,
} from "./library-name.ts";
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
export type { ImageDigests, SignatureRepository, SignedImage } from "./signature-repository.ts";
export { isFilePath } from "./ref-transport.ts";
export { hasOciSifLayers, SIF_CONFIG, sifFileOf } from "./sif-artifact.ts";
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
export { redactName } from "./quote-name.ts";
export {
  DOCKER_URI,
  LIBRARY_SCHEME,
  LIBRARY_URI,
  LOCAL_URI,
  Reference,
  type ReferenceJson,
} from "./reference.ts";
export {
  familiarText,
  nameInReference,
  storeNameOrigin,
  storeNamesOf,
  storeTagOf,
} from "./store-name.ts";
export { parseStrictJson } from "./strict-json.ts";
export { checkDigest, verified } from "./verified.ts";
