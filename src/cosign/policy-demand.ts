import type { ImageEvidence } from "../image/index.ts";
import type { Authority } from "./authority.ts";
import { CosignError } from "./cosign-error.ts";
import {
  judgeRequirements,
  loadRequirements,
  type PolicyCheck,
  type ReadFile,
} from "./judge-requirements.ts";
import type { ContainersPolicy } from "./policy-json.ts";
import { type PolicyPlace, policyRequirements } from "./policy-scope.ts";
import { type AttachmentRules, hasAttachments } from "./registries-d.ts";

/** What images are judged by where a policy.json decides. */
export interface PolicyParts {
  readonly policy: ContainersPolicy;
  /** Where signatures are looked for; undefined: everywhere. */
  readonly attachments: AttachmentRules | undefined;
}

/** What a policy.json asks of one image. */
export interface PolicyDemand {
  /** The list that asks it, and the file that it stands in. */
  readonly where: string;
  readonly place: PolicyPlace;
  readonly checks: readonly PolicyCheck[];
  /** Whether signatures lie beside the image, as registries.d says. */
  readonly isAttached: boolean;
}

/**
 * Reads what a policy asks of one image, with the keys and certificates that it names.
 *
 * @throws as `loadRequirements`
 */
export async function policyDemand(
  { policy, attachments }: PolicyParts,
  place: PolicyPlace,
  readFile: ReadFile,
): Promise<PolicyDemand> {
  const { where, requirements } = policyRequirements(policy, place);
  const checks = await loadRequirements(requirements, readFile);
  const isAttached =
    attachments === undefined || ("name" in place && hasAttachments(attachments, place.name));
  return { where, place, checks, isAttached };
}

/** Those by whose signatures it is judged; none where no signature is to be looked for. */
export function demandedAuthorities({ checks, isAttached }: PolicyDemand): readonly Authority[] {
  return isAttached ? checks.flatMap(({ authorities }) => authorities) : [];
}

/**
 * Accepts an image by what a policy.json asks, or throws.
 *
 * @param what - the image, for messages
 * @param evidence - of `verifyImage` with the demanded authorities, and maybe others
 * @returns the signatures that it is accepted for; none where none is asked for
 * @throws CosignError as `judgeRequirements`
 */
export function judgeDemand(
  { checks, place, isAttached }: PolicyDemand,
  what: string,
  evidence: readonly ImageEvidence[],
): readonly ImageEvidence[] {
  const name = "name" in place ? place.name : undefined;
  try {
    return judgeRequirements(checks, what, name, isAttached ? evidence : []);
  } catch (error) {
    if (!(error instanceof CosignError) || error.code !== "SIGNATURE_NONE" || isAttached) {
      throw error;
    }
    const hint = "registries.d does not say use-sigstore-attachments for it";
    throw new CosignError(error.code, `${error.message}: ${hint}`, { cause: error });
  }
}
