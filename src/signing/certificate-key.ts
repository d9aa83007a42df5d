import { X509Certificate } from "node:crypto";
import { pemKeyOf, type PemKey } from "./pem-key.ts";
import { SigningError } from "./signing-error.ts";

/** OID of the extended key usage that signing code needs; RFC 5280 §4.2.1.12. */
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
/** OID of the extended key usage that stands for all; RFC 5280 §4.2.1.12. */
const ANY_USAGE = "2.5.29.37.0";
/** The identifier of name constraints, 2.5.29.30, in DER. */
const NAME_CONSTRAINTS = Buffer.from("0603551d1e", "hex");
const MOST_INTERMEDIATES = 8;

/** Reads all certificates of a PEM file. */
export function parseCertificates(text: string, source: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    const message = `${source}: expected certificates in PEM`;
    throw new SigningError("CERTIFICATE_INVALID", message, { cause });
  }
}

/**
 * The key of a certificate that may sign code, after its chain was followed to one of the roots.
 *
 * @param chain.leaf - the signer's
 * @param chain.intermediates - in any order
 * @param chain.roots - trusted as they are; the leaf may be one of them. Below them no authority may be one
 *   for some names alone: which they are is not looked at
 * @param now - milliseconds since 1970: every certificate of the chain must be valid then
 * @throws SigningError `CERTIFICATE_INVALID`, `KEY_UNUSABLE`
 * @see RFC 5280 §6; sif.md §2.4
 */
export function certificateKey(
  chain: {
    readonly leaf: X509Certificate;
    readonly intermediates: readonly X509Certificate[];
    readonly roots: readonly X509Certificate[];
  },
  source: string,
  now: number,
): PemKey {
  const { leaf, intermediates, roots } = chain;
  const subject = subjectOf(leaf);
  const refuse = (reason: string): never => {
    throw new SigningError(
      "CERTIFICATE_INVALID",
      `${source}: certificate of ${subject}: ${reason}`,
    );
  };
  // Undefined where the certificate has none, whatever the types say.
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages?.includes(CODE_SIGNING) !== true)
    refuse("expected the extended key usage codeSigning");
  let current = leaf;
  for (let length = 0; length <= MOST_INTERMEDIATES; length += 1) {
    if (!isValidAt(current, now)) {
      refuse(
        `expected ${subjectOf(current)} to be valid now, got ${current.validFrom} to ${current.validTo}`,
      );
    }
    if (roots.some((root) => root.fingerprint256 === current.fingerprint256)) {
      return { ...pemKeyOf(leaf.publicKey, source), subject };
    }
    if (current !== leaf && current.raw.includes(NAME_CONSTRAINTS)) {
      refuse(`expected ${subjectOf(current)} to vouch for any name, got one with constraints`);
    }
    const issuer = [...roots, ...intermediates].find((one) => isIssuer(one, current));
    if (issuer === undefined)
      refuse(`expected a chain to a trusted root, got an end at ${subjectOf(current)}`);
    else current = issuer;
  }
  return refuse(`expected at most ${MOST_INTERMEDIATES} certificates up to a root`);
}

function isIssuer(issuer: X509Certificate, issued: X509Certificate): boolean {
  // Undefined where the certificate has none, whatever the types say.
  const usages = issuer.keyUsage as readonly string[] | undefined;
  // As other readers take them, usages of an authority are those of what is below it, too.
  const isForCode = usages?.some((each) => each === CODE_SIGNING || each === ANY_USAGE) ?? true;
  return isForCode && issuer.ca && issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now < validToDate.getTime();
}

/** On one line, as openssl prints it: `CN=Alice, O=Example`; `no subject` for those that name nobody there. */
export function subjectOf(certificate: X509Certificate): string {
  // Undefined where it is empty, whatever the types say: short-lived certificates have only other names.
  const subject = certificate.subject as string | undefined;
  return subject?.split("\n").join(", ") ?? "no subject";
}
