import { join } from "node:path";
import type { RecordedImage } from "./operations.ts";
import { parseProvenance } from "./parse-provenance.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import type { StoredImage } from "./stored-image.ts";

/** What the database told of an image, for callers: with where it came from, and the path of its file. */
export function storedOf(
  { images }: StorePaths,
  { sourceJson, ...record }: RecordedImage,
): StoredImage {
  return {
    ...record,
    source: parseProvenance(sourceJson),
    path:
      (record.origin === "local" ? record.localFiles[0]?.path : undefined) ??
      join(images, imageFile(record.id)),
  };
}
