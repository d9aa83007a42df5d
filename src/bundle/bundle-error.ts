import { CodedError } from "../base/index.ts";

export type BundleErrorCode =
  | "BUNDLE_EXISTS"
  | "BUNDLE_DIRECTORY"
  | "BUNDLE_NOT_OURS"
  | "BUNDLE_BUSY"
  | "BUNDLE_MOUNT"
  | "BUNDLE_OVERLAY"
  | "BUNDLE_USER"
  | "BUNDLE_COMMAND"
  | "BUNDLE_BIND"
  | "BUNDLE_ARCHITECTURE";

/**
 * - `BUNDLE_EXISTS`, `BUNDLE_DIRECTORY`: a directory that cannot become a bundle
 * - `BUNDLE_NOT_OURS`: a directory that is no bundle of ours, or holds more than one
 * - `BUNDLE_BUSY`: a bundle that something still uses
 * - `BUNDLE_MOUNT`, `BUNDLE_OVERLAY`: what this machine does not mount for us
 * - `BUNDLE_USER`, `BUNDLE_COMMAND`, `BUNDLE_BIND`: what cannot be made a container's process of
 * - `BUNDLE_ARCHITECTURE`: an image for another processor
 */
export class BundleError extends CodedError<BundleErrorCode> {}
