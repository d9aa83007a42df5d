import { assertNever, isErrno } from "../base/index.ts";
import type { ImageEvidence, ImageName } from "../image/index.ts";
import { parseCertificates, parsePemKey, type PemKey } from "../signing/index.ts";
import { type Authority, certificateAuthority, keyAuthority } from "./authority.ts";
import { CosignError, isSignatureFault } from "./cosign-error.ts";
import type { PolicyRequirement, PolicySource } from "./policy-json.ts";
import { fitsIdentity } from "./signed-identity.ts";

/** A requirement of a policy, with the keys and certificates that it names. */
export interface PolicyCheck {
  readonly requirement: PolicyRequirement;
  /** One of them must have signed; none where no signature is asked for. */
  readonly authorities: readonly Authority[];
}

/** Reads a whole file; throws errors of the system as they are. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/**
 * Reads the keys and certificates that requirements name. Where no check has an authority, there is no need
 * to look for signatures.
 *
 * @throws CosignError `POLICY_INVALID` for a file that cannot be read, or holds no certificate
 * @throws SigningError `KEY_UNREADABLE`, `KEY_UNUSABLE`, `CERTIFICATE_INVALID`
 */
export async function loadRequirements(
  requirements: readonly PolicyRequirement[],
  readFile: ReadFile,
): Promise<readonly PolicyCheck[]> {
  const checks: PolicyCheck[] = [];
  for (const requirement of requirements) {
    const isSigned = requirement.type === "sigstoreSigned";
    const authorities = isSigned ? await authoritiesOf(requirement, readFile) : [];
    checks.push({ requirement, authorities });
  }
  return checks;
}

async function authoritiesOf(
  { trust, logs: sources }: Extract<PolicyRequirement, { readonly type: "sigstoreSigned" }>,
  readFile: ReadFile,
): Promise<readonly Authority[]> {
  const logs = sources && (await readKeys(sources, readFile));
  switch (trust.kind) {
    case "keys":
      return (await readKeys(trust.keys, readFile)).map((key) => keyAuthority(key, logs));
    case "fulcio": {
      const { issuer, email } = trust;
      const roots = await readCertificates(trust.roots, readFile);
      return [certificateAuthority({ roots }, { issuer, email }, logs)];
    }
    case "pki": {
      const { email, host } = trust;
      const roots = await readCertificates(trust.roots, readFile);
      const intermediates =
        trust.intermediates && (await readCertificates(trust.intermediates, readFile));
      const chain = { roots, ...(intermediates && { intermediates }) };
      const names = {
        ...(email === undefined ? {} : { email }),
        ...(host === undefined ? {} : { host }),
      };
      return [certificateAuthority(chain, names, logs)];
    }
    default:
      return assertNever(trust);
  }
}

async function readKeys(
  sources: readonly PolicySource[],
  readFile: ReadFile,
): Promise<readonly PemKey[]> {
  const keys: PemKey[] = [];
  for (const source of sources) {
    keys.push(parsePemKey(await readText(source, readFile), placeOf(source)));
  }
  return keys;
}

async function readCertificates(
  source: PolicySource,
  readFile: ReadFile,
): Promise<ReturnType<typeof parseCertificates>> {
  const place = placeOf(source);
  const certificates = parseCertificates(await readText(source, readFile), place);
  if (certificates.length > 0) return certificates;
  throw new CosignError("POLICY_INVALID", `${place}: expected certificates in PEM, got none`);
}

async function readText(source: PolicySource, readFile: ReadFile): Promise<string> {
  if (source.kind === "data") return Buffer.from(source.bytes).toString();
  try {
    return Buffer.from(await readFile(source.path)).toString();
  } catch (cause) {
    if (!isErrno(cause, "ENOENT", "ENOTDIR", "EACCES", "EISDIR")) throw cause;
    const message = `${source.path}: expected a file, as the policy names it, that can be read`;
    throw new CosignError("POLICY_INVALID", message, { cause });
  }
}

function placeOf(source: PolicySource): string {
  return source.kind === "file" ? source.path : "policy.json";
}

/**
 * Accepts an image by what its policy asks, all of it, or throws.
 *
 * @param what - the image, for messages
 * @param name - by which the image is asked for; undefined where it is in no registry
 * @param evidence - of `verifyImage` with the authorities of all checks
 * @returns the signatures that it is accepted for, each once; none where none is asked for
 * @throws CosignError `POLICY_REJECTS`, `POLICY_SIGNED_BY`; `SIGNATURE_NONE` where there is no signature,
 *   `SIGNATURE_REFERENCE` for a good one under another name, else what is wrong with those that are there
 */
export function judgeRequirements(
  checks: readonly PolicyCheck[],
  what: string,
  name: ImageName | undefined,
  evidence: readonly ImageEvidence[],
): readonly ImageEvidence[] {
  const accepted = new Set<ImageEvidence>();
  for (const { requirement, authorities } of checks) {
    switch (requirement.type) {
      case "insecureAcceptAnything":
        continue;
      case "reject":
        throw new CosignError("POLICY_REJECTS", `${what}: the policy rejects it`);
      case "signedBy":
        throw new CosignError(
          "POLICY_SIGNED_BY",
          `${what}: the policy asks for a signature of containers' older kind (signedBy), which is not checked here`,
        );
      case "sigstoreSigned": {
        const ids = new Set(authorities.map(({ id }) => id));
        const good = evidence.filter(
          (one) => one.verdict === "valid" && one.authorities.some((id) => ids.has(id)),
        );
        const fitting = good.filter(
          ({ dockerReference }) =>
            name !== undefined && fitsIdentity(requirement.signedIdentity, name, dockerReference),
        );
        if (fitting.length === 0) throw refusal(what, good, evidence);
        for (const one of fitting) accepted.add(one);
        continue;
      }
      default:
        assertNever(requirement);
    }
  }
  return [...accepted];
}

/** Says why what is there is not enough: of several, what is nearest to enough. */
function refusal(
  what: string,
  good: readonly ImageEvidence[],
  evidence: readonly ImageEvidence[],
): CosignError {
  const [nearest] = good;
  if (nearest !== undefined) {
    const called = nearest.dockerReference;
    const got = called === undefined ? "one without a name" : JSON.stringify(called.slice(0, 200));
    const message = `${what}: expected a signature for this name, got ${got}`;
    return new CosignError("SIGNATURE_REFERENCE", message);
  }
  const faulty =
    evidence.find(({ verdict }) => verdict === "broken") ??
    evidence.find(({ code }) => code === "SIGNATURE_IDENTITY") ??
    evidence[0];
  const expected = `${what}: expected a signature by whom the policy names, got`;
  if (faulty === undefined) return new CosignError("SIGNATURE_NONE", `${expected} none`);
  const code = isSignatureFault(faulty.code) ? faulty.code : "SIGNATURE_SIGNER_UNKNOWN";
  const reason = faulty.reason ?? "by somebody else";
  return new CosignError(
    code,
    `${expected} one that does not count: ${reason} (${faulty.signature})`,
  );
}
