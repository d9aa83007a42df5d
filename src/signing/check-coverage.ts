import type { SifCoverage } from "../image/index.ts";
import {
  signedDescriptorBytes,
  signedHeaderBytes,
  type SifDescriptor,
  type SifHeader,
} from "../sif/index.ts";
import { isDigestOf } from "./digest-text.ts";
import type { ObjectDigests } from "./object-digests.ts";
import type { SignatureMetadata } from "./signature-metadata.ts";
import type { SignatureFault } from "./signing-error.ts";

/** What a signature covers, and the first thing that is not as it says. */
export interface CoverageResult {
  readonly covers: SifCoverage;
  readonly fault?: { readonly code: SignatureFault; readonly reason: string };
}

/** A group of objects, in order of their ids; never empty. */
export interface Group {
  readonly id: number;
  readonly objects: readonly SifDescriptor[];
}

/**
 * Compares what a signature says of a group with the file, in the reference's order: which objects there
 * are, the global header, then record and bytes of each object.
 *
 * @see sif.md §1.6, §2.6
 */
export async function checkCoverage(
  metadata: SignatureMetadata,
  group: Group,
  header: SifHeader,
  primary: number | undefined,
  digests: ObjectDigests,
  signal: AbortSignal,
): Promise<CoverageResult> {
  const first = group.objects[0]?.id ?? 0;
  const byId = new Map(group.objects.map((object) => [object.id, object]));
  const listed = metadata.objects.map((signed) => ({ ...signed, id: first + signed.relativeId }));
  const ids = new Set(listed.map(({ id }) => id));
  const covers: SifCoverage = {
    group: group.id,
    objects: group.objects.map(({ id }) => id).filter((id) => ids.has(id)),
    missing: group.objects.map(({ id }) => id).filter((id) => !ids.has(id)),
    primary: primary !== undefined && byId.has(primary) && ids.has(primary),
  };
  const absent = listed.find(({ id }) => !byId.has(id));
  const broken = (code: SignatureFault, reason: string): CoverageResult => ({
    covers,
    fault: { code, reason },
  });
  if (absent !== undefined) {
    return broken("SIGNATURE_OBJECT_ABSENT", `object ${absent.id} is not in group ${group.id}`);
  }
  if (!isDigestOf(signedHeaderBytes(header), metadata.headerDigest)) {
    return broken("SIGNATURE_HEADER", "the global header was changed");
  }
  for (const { id, relativeId, descriptorDigest, objectDigest } of listed) {
    const object = byId.get(id);
    if (object === undefined) continue;
    if (!isDigestOf(signedDescriptorBytes(object, relativeId), descriptorDigest)) {
      return broken("SIGNATURE_DESCRIPTOR", `the record of object ${id} was changed`);
    }
    if ((await digests.of(object, objectDigest.algorithm, signal)) !== objectDigest.hex) {
      return broken("SIGNATURE_DATA", `object ${id} was changed`);
    }
  }
  return { covers };
}
