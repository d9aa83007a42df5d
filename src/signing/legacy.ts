import type { SifDescriptor } from "../sif/index.ts";
import { viewOf } from "../base/index.ts";
import type { CoverageResult } from "./check-coverage.ts";
import type { FileObjects } from "./file-objects.ts";
import type { ObjectDigests } from "./object-digests.ts";
import { SIGNATURE_HASHES } from "./signature-object.ts";
import type { SignatureFault } from "./signing-error.ts";

/** How the text of a signature of before version 3.6 begins; sif.md §2.5. */
export const LEGACY_TEXT = "SIFHASH:\n";

/**
 * Compares a signature of before version 3.6 with the file: a digest of the bytes of one object, or of
 * all objects of a group one behind the other, and of nothing that says what they are.
 *
 * @param text - what is signed, beginning with `LEGACY_TEXT`
 * @see sif.md §2.5
 */
export async function checkLegacy(
  signature: SifDescriptor,
  text: string,
  { groups, primary }: FileObjects,
  digests: ObjectDigests,
  signal: AbortSignal,
): Promise<CoverageResult> {
  const { link } = signature;
  const grouped = [...groups.values()].flat();
  const objects =
    link?.kind === "group"
      ? [...(groups.get(link.id) ?? [])].sort((a, b) => a.slot - b.slot)
      : grouped.filter(({ id }) => id === link?.id);
  const ids = objects.map(({ id }) => id);
  const covers = {
    ...(link?.kind === "group" && { group: link.id }),
    objects: ids,
    missing: [],
    primary: primary !== undefined && ids.includes(primary),
  };
  const broken = (code: SignatureFault, reason: string): CoverageResult => ({
    covers: { ...covers, objects: [], primary: false },
    fault: { code, reason },
  });
  if (objects.length === 0) {
    return broken("SIGNATURE_OBJECT_ABSENT", "what it is for is not in the file");
  }
  const algorithm = algorithmOf(signature);
  if (algorithm === undefined) {
    return broken("SIGNATURE_HASH", "its record names none of SHA-256, 384 and 512");
  }
  const signed = text.slice(LEGACY_TEXT.length).trim().toLowerCase();
  if ((await digests.ofAll(objects, algorithm, signal)) !== signed) {
    return broken("SIGNATURE_DATA", "what it is for was changed");
  }
  return { covers };
}

function algorithmOf({ extra }: SifDescriptor): string | undefined {
  const hash = viewOf(extra).getInt32(0, true);
  return Object.entries(SIGNATURE_HASHES).find(([, value]) => value === hash)?.[0];
}
