import type { ImageName, ImageSource } from "../image/index.ts";

/** An image that was chosen in an archive. */
export interface FoundImage {
  readonly source: ImageSource;
  /** Names in registries that the archive gives it: each with a tag; one may stand there twice. */
  readonly names: readonly ImageName[];
}
