import { textLines } from "./shell-word.ts";

/**
 * The definition of the image, the same for every image: by design it names no source.
 *
 * @see sif.md §3.1, object 1
 */
export function definitionText(): string {
  return textLines("bootstrap: docker", "");
}
