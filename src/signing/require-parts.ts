import type { SignatureEvidence } from "../image/index.ts";
import type { SignedParts } from "./sign-sif.ts";
import type { SignedFileFault } from "./signing-error.ts";
import type { SifVerification } from "./verify-sif.ts";

/** Why the parts of a file that were asked for are not signed as they should be. */
export interface PartsFault {
  readonly code: SignedFileFault;
  readonly reason: string;
}

/**
 * Whether each group, or each object, that was asked for has a valid signature. Without a list every group of
 * the file is meant, and nothing may be outside of them.
 *
 * @returns undefined where it is so
 * @see sif.md §2.6
 */
export function partsFault(
  { signatures, groups, ungrouped }: SifVerification,
  parts: SignedParts | undefined,
): PartsFault | undefined {
  const [stray] = ungrouped;
  if (stray !== undefined) {
    return { code: "SIGNATURE_UNGROUPED", reason: `object ${stray} is in no group` };
  }
  if (groups.size === 0) {
    return { code: "SIGNATURE_NO_GROUPS", reason: "the file has no group of objects" };
  }
  const valid = signatures.filter(({ verdict }) => verdict === "valid");
  if (parts?.kind === "objects") return objectsFault(parts.ids, groups, signatures);
  for (const id of parts?.ids ?? groups.keys()) {
    if (!groups.has(id)) {
      return { code: "SIGNATURE_NO_GROUP", reason: `the file has no group ${id}` };
    }
    if (!valid.some(({ covers }) => covers.group === id && covers.missing.length === 0)) {
      return { code: "SIGNATURE_NONE", reason: `group ${id} has no valid signature` };
    }
  }
  return undefined;
}

function objectsFault(
  ids: readonly number[],
  groups: SifVerification["groups"],
  signatures: readonly SignatureEvidence[],
): PartsFault | undefined {
  const known = [...groups.values()].flat();
  for (const id of ids) {
    if (!known.includes(id)) {
      return { code: "SIGNATURE_NO_OBJECT", reason: `the file has no object ${id} to be signed` };
    }
    if (!signatures.some((one) => isSignedBy(one, id))) {
      return { code: "SIGNATURE_NONE", reason: `object ${id} has no valid signature` };
    }
  }
  return undefined;
}

/** A signature of a part of a group counts for the objects that it lists. */
function isSignedBy({ verdict, code, covers }: SignatureEvidence, id: number): boolean {
  const isGood = verdict === "valid" || code === "SIGNATURE_OBJECT_UNSIGNED";
  return isGood && covers.objects.includes(id);
}
