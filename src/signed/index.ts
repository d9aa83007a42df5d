export type { Signing } from "./sign-copy.ts";
export { signFile, type SignedFile, type SignedPlace } from "./sign-file.ts";
export { signImage } from "./sign-image.ts";
