import { imageNameOf, isArchiveInput, isLibraryName } from "../image/index.ts";
import { isLocalName } from "./local-file.ts";

/**
 * The registry (`docker.io`, `registry.example:5000`) of a reference; undefined for an image that
 * comes from none.
 *
 * @throws ImageError `REFERENCE_INVALID`, `REFERENCE_TRANSPORT`
 */
export function registryOf(reference: string): string | undefined {
  const isElsewhere = isLocalName(reference) || isLibraryName(reference);
  if (isElsewhere || isArchiveInput(reference)) return undefined;
  return imageNameOf(reference).domain;
}
