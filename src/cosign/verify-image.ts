import type { ImageDigests, ImageEvidence, SignatureRepository } from "../image/index.ts";
import type { Authority } from "./authority.ts";
import { checkSignature, type Outcome, unknownSigner } from "./check-signature.ts";
import { findSignatures, type FoundPlace } from "./find-signatures.ts";
import type { FoundSignature } from "./found-signature.ts";

export interface VerifyImageOptions {
  /** The image, as the user knows it, for messages. */
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Checks every signature that lies beside an image against all who are trusted. What it finds is
 * evidence: whether that is enough a policy decides. A signature that the registry withholds is not
 * there, and nothing can show that it was.
 *
 * A signature is `valid` as soon as one authority's; else `broken` where it or what proves it is wrong,
 * and `unknown-signer` where nothing is wrong with it but that nobody here trusts who made it.
 *
 * @param repository - the image's own
 * @param digests - as they were checked; a signature counts for the digest that it lies beside and names
 * @throws CosignError `SIGNATURE_LIMIT` for more signatures than anybody makes
 * @throws whatever the repository throws
 * @see registry.md §12.1, §12.2, §12.5
 */
export async function verifyImage(
  repository: SignatureRepository,
  digests: ImageDigests,
  authorities: readonly Authority[],
  options: VerifyImageOptions,
  signal: AbortSignal,
): Promise<readonly ImageEvidence[]> {
  const places = await findSignatures(repository, digests, options.what, signal);
  const evidence: ImageEvidence[] = [];
  for (const place of places) {
    signal.throwIfAborted();
    evidence.push(await judgePlace(place, authorities, options.now));
  }
  return evidence;
}

async function judgePlace(
  { format, blob, image, read }: FoundPlace,
  authorities: readonly Authority[],
  now: number,
): Promise<ImageEvidence> {
  const common = { format, signature: blob, image };
  if ("reason" in read) {
    const { reason } = read;
    return { ...common, verdict: "broken", code: "SIGNATURE_FORMAT", reason, authorities: [] };
  }
  const { digests, dockerReference } = read;
  const named = { ...common, ...(dockerReference === undefined ? {} : { dockerReference }) };
  // Before all else: what is genuine and for another image is worth nothing for this one.
  if (!digests.includes(image)) {
    const reason = `it is for ${digests.join(", ").slice(0, 200)}`;
    return { ...named, verdict: "broken", code: "SIGNATURE_DIGEST", reason, authorities: [] };
  }
  const checked = await checkAll(read, authorities, now);
  const good = checked.flatMap(({ id, outcome }) =>
    outcome.kind === "valid" ? [{ id, outcome }] : [],
  );
  const [first] = good;
  if (first === undefined) return { ...named, ...faultOf(checked), authorities: [] };
  const { signer, signedAt } = first.outcome;
  return {
    ...named,
    verdict: "valid",
    authorities: [...new Set(good.map(({ id }) => id))],
    signer,
    ...(signedAt === undefined ? {} : { signedAt }),
  };
}

interface Checked {
  readonly id: string;
  readonly outcome: Outcome;
}

async function checkAll(
  found: FoundSignature,
  authorities: readonly Authority[],
  now: number,
): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  for (const authority of authorities) {
    const outcome = await checkSignature(found, authority, now);
    checked.push({ id: authority.id, outcome });
  }
  return checked;
}

/** The fault that says most: what is broken, then whose name it has, then that nobody knows it. */
function faultOf(checked: readonly Checked[]): Pick<ImageEvidence, "verdict" | "code" | "reason"> {
  const faults = checked.flatMap(({ outcome }) => (outcome.kind === "valid" ? [] : [outcome]));
  const { kind, code, reason } =
    faults.find((fault) => fault.kind === "broken") ??
    faults.find((fault) => fault.code === "SIGNATURE_IDENTITY") ??
    faults[0] ??
    unknownSigner();
  return { verdict: kind, code, reason };
}
