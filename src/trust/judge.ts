import type { ImageEvidence, SignatureEvidence } from "../image/index.ts";
import type { SifVerification } from "../signing/index.ts";
import type { ChosenRule } from "./policy.ts";
import { signsImages, type TrustedKeys } from "./trusted-keys.ts";

/** What there is to judge by. */
export interface Proof extends Pick<SifVerification, "signatures" | "ungrouped"> {
  /** Of signatures beside an image in a registry; undefined where nobody could look for them. */
  readonly beside: readonly ImageEvidence[] | undefined;
}

/** Whether an image may go by a name, and why. */
export interface Judgement {
  /** Undefined for an image without a name. */
  readonly name: string | undefined;
  /** Which rule of which file decided. */
  readonly where: string;
  readonly demand: ChosenRule["mode"] | "policy.json";
  readonly isAccepted: boolean;
  /** Where it is refused: what the error's code is. */
  readonly code?: string;
  readonly reason?: string;
  /** Whether what is wrong lies beside the image in its registry; absent: it does not. */
  readonly isBeside?: boolean;
  /** The signers who count under the rule, each once: fingerprints, or whom a certificate is for. */
  readonly trusted: readonly string[];
  /** Whether a signature of the whole image is valid, is by somebody unknown, or is not there. */
  readonly signed: "valid" | "unknown-signer" | "no";
}

/**
 * Judges an image by a rule: a table of what was found and of what is demanded (design decision 9).
 *
 * | found, for the root file system  | if-signed | required |
 * | a broken signature of any object | refused   | refused  |
 * | no signature                     | accepted  | refused  |
 * | by nobody that is known          | accepted  | refused  |
 * | valid, fewer trusted than asked  | accepted  | refused  |
 * | valid, as many as asked          | accepted  | accepted |
 *
 * @param trusted - the rule's signers
 */
export function judge(
  name: string | undefined,
  rule: ChosenRule,
  trusted: Pick<TrustedKeys, "fingerprints" | "signers">,
  { signatures, ungrouped, beside }: Proof,
): Judgement {
  const covering = signatures.filter(({ covers }) => covers.primary);
  const found = [...covering, ...(beside ?? [])];
  const signers = new Set([
    ...covering.flatMap((one) => trustedSigner(one, trusted)),
    ...(beside ?? []).flatMap((one) => trustedSigners(one, trusted)),
  ]);
  const about = {
    name,
    where: rule.where,
    demand: rule.mode,
    trusted: [...signers],
    signed: signedBy(found),
  };
  const refuse = (code: string, reason: string): Judgement => ({
    ...about,
    isAccepted: false,
    code,
    reason,
  });
  const broken = [...signatures, ...(beside ?? [])].find(({ verdict }) => verdict === "broken");
  if (broken !== undefined) {
    const reason = `${placeOf(broken)} is broken: ${broken.reason ?? ""}`;
    const refused = refuse(broken.code ?? "SIGNATURE_INVALID", reason);
    return "object" in broken ? refused : { ...refused, isBeside: true };
  }
  const [stray] = ungrouped;
  // Of a file that nobody signed nothing is to be believed anyway.
  if (stray !== undefined && signatures.some(({ verdict }) => verdict !== "ignored")) {
    return refuse("SIGNATURE_UNGROUPED", `object ${stray} is in no group, so nobody signed it`);
  }
  if (rule.mode === "required" && signers.size < rule.atLeast) {
    return refuse("TRUST_REQUIRED", missing(rule, signers.size, found, beside !== undefined));
  }
  return { ...about, isAccepted: true };
}

function trustedSigner(
  { verdict, signer }: SignatureEvidence,
  { fingerprints }: Pick<TrustedKeys, "fingerprints">,
): readonly string[] {
  const isTrusted = verdict === "valid" && fingerprints.has(signer?.fingerprint ?? "");
  return isTrusted && signer !== undefined ? [signer.fingerprint] : [];
}

function trustedSigners(
  { verdict, authorities }: ImageEvidence,
  { signers }: Pick<TrustedKeys, "signers">,
): readonly string[] {
  return verdict === "valid" ? authorities.flatMap((id) => signers.get(id) ?? []) : [];
}

type Found = SignatureEvidence | ImageEvidence;

function placeOf(found: Found): string {
  return "object" in found
    ? `the signature in object ${found.object}`
    : `the signature ${found.signature} beside it`;
}

function signedBy(covering: readonly Found[]): Judgement["signed"] {
  if (covering.some(({ verdict }) => verdict === "valid")) return "valid";
  return covering.some(({ verdict }) => verdict === "unknown-signer") ? "unknown-signer" : "no";
}

function missing(
  { signers, atLeast, where }: ChosenRule,
  count: number,
  covering: readonly Found[],
  wasLookedBeside: boolean,
): string {
  const asked = `${where} asks for signatures of ${atLeast} of ${signers.length} signers`;
  if (covering.length === 0) {
    return !wasLookedBeside && signers.some(signsImages)
      ? `${asked}, and none was looked for in a registry`
      : `${asked}, and nobody signed it`;
  }
  const by = covering.map(({ signer, reason = "its signer is not one of them" }) =>
    signer === undefined ? reason : `${signer.fingerprint}: ${reason}`,
  );
  return `${asked}, and ${count} did (${by.slice(0, 5).join("; ")})`;
}
