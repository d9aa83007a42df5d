import { familiarText, matchesNamePattern } from "../image/index.ts";
import type { StoredImage } from "./stored-image.ts";

/** Whether an image is pinned: itself, or by one of its names, in either spelling. */
export function isPinned(
  { pinned, names }: Pick<StoredImage, "pinned" | "names">,
  pins: readonly string[],
): boolean {
  if (pinned || pins.length === 0) return pinned;
  return [...names.tags, ...names.digests].some(
    (name) => matchesNamePattern(name, pins) || matchesNamePattern(familiarText(name), pins),
  );
}
