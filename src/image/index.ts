export type { Descriptor, Platform } from "./descriptor.ts";
export { digestHex, isDigest, parseDigest, type Digest } from "./digest.ts";
export { ContentError, ImageError, type ImageErrorCode } from "./image-error.ts";
export type { ImageName } from "./image-name.ts";
export type { ImageSource } from "./image-source.ts";
export type { Compression, Owners, Profile } from "./profile.ts";
export { checkDigest, verified } from "./verified.ts";
