import { lintData } from "./lint-data.ts";
import { lintDirectories } from "./lint-directories.ts";
import { lintInodes } from "./lint-inodes.ts";
import { lintTables } from "./lint-tables.ts";
import { lintXattrs } from "./lint-xattrs.ts";
import { rawImage, type RawImage } from "./raw-image.ts";

/** Notes something that our writer must never do. */
export type Complain = (what: string) => void;

/**
 * What is wrong with an image of our own writer, nothing being the hope. Stricter than any reader has
 * to be: whatever some reader of squashfs refuses or falls over, and whatever docs/profiles.md says
 * that images do not have.
 */
export function lintImage(image: Uint8Array): readonly string[] {
  const complaints: string[] = [];
  const complain: Complain = (what) => complaints.push(what);
  let raw: RawImage;
  try {
    raw = rawImage(Buffer.from(image));
    for (const lint of [lintTables, lintInodes, lintDirectories, lintXattrs, lintData])
      lint(raw, complain);
  } catch (error) {
    complain(`it cannot be taken apart: ${error instanceof Error ? error.message : ""}`);
  }
  return complaints;
}
