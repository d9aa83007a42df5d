import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { TrustMaterial } from "@sigstore/verify";
import { assertNever } from "../base/index.ts";
import type { ImageSigner } from "../image/index.ts";
import { certificateKey, pemKeyOf, type PemKey, SigningError } from "../signing/index.ts";
import type { Authority } from "./authority.ts";
import { certificateNames, type CertificateNames } from "./certificate-names.ts";
import type { ImageSignatureFault } from "./cosign-error.ts";
import type { FoundSignature } from "./found-signature.ts";
import { isSignedBy } from "./is-signed-by.ts";
import { isEntryOf } from "./log-entry.ts";
import { checkByLibrary, type LibraryTrust, trustMaterialOf } from "./sigstore-library.ts";

/** What a signature is to one authority. */
export type Outcome =
  | { readonly kind: "valid"; readonly signer: ImageSigner; readonly signedAt?: number }
  | {
      readonly kind: "broken" | "unknown-signer";
      readonly code: ImageSignatureFault;
      readonly reason: string;
    };

export type Failure = Exclude<Outcome, { readonly kind: "valid" }>;
type KeyAuthority = Extract<Authority, { readonly kind: "key" }>;
type KeylessAuthority = Extract<Authority, { readonly kind: "keyless" }>;
type CertificateAuthority = Extract<Authority, { readonly kind: "certificates" }>;

/** OID of the extended key usage that signing code needs; RFC 5280 §4.2.1.12. */
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";

/**
 * Checks who made a signature, against one who is trusted. What the payload says is the caller's to check.
 *
 * @param now - milliseconds since 1970
 * @see registry.md §12.1 steps 2 to 4, §12.2
 */
export async function checkSignature(
  found: FoundSignature,
  authority: Authority,
  now: number,
): Promise<Outcome> {
  switch (authority.kind) {
    case "key":
      return await checkByKey(found, authority);
    case "keyless":
      return await checkKeyless(found, authority);
    case "certificates":
      return await checkByCertificates(found, authority, now);
    default:
      return assertNever(authority);
  }
}

async function checkByKey(found: FoundSignature, { key, logs }: KeyAuthority): Promise<Outcome> {
  if (!isSignedBy(found.message, found.signature, key.key)) {
    return namesKey(found, key.key)
      ? broken("SIGNATURE_INVALID", `${key.fingerprint} did not make it, as it says`)
      : unknownSigner();
  }
  const { fingerprint, source } = key;
  const signer = { fingerprint, keySource: source };
  return logs === undefined
    ? { kind: "valid", signer }
    : await checkLogs(found, logs, key.key, signer);
}

/** Whether the signature says that `key` made it. */
function namesKey({ certificate, keyHint }: FoundSignature, key: KeyObject): boolean {
  const spki = key.export({ format: "der", type: "spki" });
  const hint = createHash("sha256").update(spki).digest("base64");
  return keyHint === hint || certificate?.publicKey.equals(key) === true;
}

async function checkLogs(
  found: FoundSignature,
  logs: readonly PemKey[],
  key: KeyObject,
  signer: ImageSigner,
): Promise<Outcome> {
  const unbound = checkClaims(found, key);
  if (unbound !== undefined) return unbound;
  const result = await checkByLibrary(found, { kind: "logs", logs, signer: key });
  if (result.kind === "refused") return broken(result.code, result.reason);
  const { signedAt } = result;
  return { kind: "valid", signer, ...(signedAt === undefined ? {} : { signedAt }) };
}

function checkClaims(found: FoundSignature, key: KeyObject): Failure | undefined {
  if (found.logClaims.length === 0) {
    return broken("SIGNATURE_LOG", "expected an entry of a transparency log, got none");
  }
  return found.logClaims.every(({ body }) => isEntryOf(body, found, key))
    ? undefined
    : broken("SIGNATURE_LOG", "the entry of the log is about something else");
}

async function checkKeyless(
  found: FoundSignature,
  { root, identity, issuer }: KeylessAuthority,
): Promise<Outcome> {
  const leaf = leafOf(found);
  if ("kind" in leaf) return leaf;
  const { key, names, usages } = leaf;
  const material = await trustMaterialOf(root.json);
  if (!isIssuedBy(found, material)) return unknownSigner();
  if (!usages.includes(CODE_SIGNING)) {
    return broken("SIGNATURE_CERTIFICATE", "its certificate is not for signing code");
  }
  const unbound = checkClaims(found, key.key);
  if (unbound !== undefined) return unbound;
  if (found.timestamps === 0 && !found.logClaims.some(({ hasPromise }) => hasPromise)) {
    return broken(
      "SIGNATURE_TIME",
      "nothing proves when its certificate, valid for minutes, was used",
    );
  }
  const trust: LibraryTrust = { kind: "root", material };
  const result = await checkByLibrary(found, trust);
  if (result.kind === "refused") return broken(result.code, result.reason);
  const all = [...names.emails, ...names.uris, ...names.userNames];
  if (!all.includes(identity) || names.issuer !== issuer) return otherIdentity(all, names.issuer);
  const signer = { fingerprint: key.fingerprint, identity, issuer };
  const { signedAt } = result;
  return { kind: "valid", signer, ...(signedAt === undefined ? {} : { signedAt }) };
}

/** Whether one of the authorities gave the certificate out, be it valid or not. */
function isIssuedBy({ certificate }: FoundSignature, material: TrustMaterial): boolean {
  return material.certificateAuthorities.some(({ certChain }) =>
    certChain.some(({ publicKey }) => {
      const key = createPublicKey({ key: publicKey, format: "der", type: "spki" });
      return certificate?.verify(key) === true;
    }),
  );
}

async function checkByCertificates(
  found: FoundSignature,
  authority: CertificateAuthority,
  now: number,
): Promise<Outcome> {
  const leaf = leafOf(found);
  if ("kind" in leaf) return leaf;
  const { key, names } = leaf;
  const { certificate } = leaf;
  const intermediates = [...authority.intermediates, ...found.intermediates];
  const chain = { leaf: certificate, intermediates, roots: authority.roots };
  // At its own time first: a certificate of theirs that has expired is not one of a stranger.
  const theirs = chainFault(chain, certificate.validFromDate.getTime());
  if (theirs !== undefined) return unknownSigner();
  const { logs } = authority;
  let signedAt: number | undefined;
  if (logs !== undefined) {
    const seen = await checkLogs(found, logs, key.key, { fingerprint: key.fingerprint });
    if (seen.kind !== "valid") return seen;
    if (seen.signedAt === undefined) {
      return broken("SIGNATURE_TIME", "nothing proves when its certificate was used");
    }
    signedAt = seen.signedAt;
  }
  const late = chainFault(chain, signedAt ?? now);
  if (late !== undefined) return broken("SIGNATURE_CERTIFICATE", late);
  const { issuer, email, host } = authority.names;
  const fits =
    (issuer === undefined || names.issuer === issuer) &&
    (email === undefined || names.emails.includes(email)) &&
    (host === undefined || names.hosts.includes(host));
  const all = [...names.emails, ...names.hosts, ...names.uris, ...names.userNames];
  if (!fits) return otherIdentity(all, names.issuer);
  const identity = email ?? host ?? all[0];
  const signer = {
    fingerprint: key.fingerprint,
    ...(identity === undefined ? {} : { identity }),
    ...(names.issuer === undefined ? {} : { issuer: names.issuer }),
  };
  return { kind: "valid", signer, ...(signedAt === undefined ? {} : { signedAt }) };
}

function chainFault(chain: Parameters<typeof certificateKey>[0], at: number): string | undefined {
  try {
    certificateKey(chain, "signature", at);
    return undefined;
  } catch (error) {
    if (!(error instanceof SigningError)) throw error;
    return error.message;
  }
}

interface Leaf {
  readonly certificate: NonNullable<FoundSignature["certificate"]>;
  readonly key: PemKey;
  readonly names: CertificateNames;
  readonly usages: readonly string[];
}

/** The certificate of the signer, once its key is known to have made the signature. */
function leafOf(found: FoundSignature): Leaf | Failure {
  const { certificate } = found;
  if (certificate === undefined) return unknownSigner();
  const names = certificateNames(certificate);
  if (names === undefined) return broken("SIGNATURE_FORMAT", "its certificate cannot be read");
  let key: PemKey;
  try {
    key = pemKeyOf(certificate.publicKey, "certificate");
  } catch (error) {
    if (!(error instanceof SigningError)) throw error;
    return broken("SIGNATURE_KEY_UNUSABLE", error.message);
  }
  if (!isSignedBy(found.message, found.signature, key.key)) {
    return broken("SIGNATURE_INVALID", "the key of its certificate did not make it");
  }
  // Undefined where the certificate has none, whatever the types say.
  const usages = (certificate.keyUsage as readonly string[] | undefined) ?? [];
  return { certificate, key, names, usages };
}

function broken(code: ImageSignatureFault, reason: string): Failure {
  return { kind: "broken", code, reason };
}

/** Nothing is wrong with it, but that nobody here trusts who made it. */
export function unknownSigner(): Failure {
  return {
    kind: "unknown-signer",
    code: "SIGNATURE_SIGNER_UNKNOWN",
    reason: "nobody who is trusted made it",
  };
}

function otherIdentity(names: readonly string[], issuer: string | undefined): Failure {
  const whose = names.length === 0 ? "no name" : JSON.stringify(names.join(", ").slice(0, 200));
  const by = issuer === undefined ? "no issuer" : JSON.stringify(issuer.slice(0, 200));
  return {
    kind: "unknown-signer",
    code: "SIGNATURE_IDENTITY",
    reason: `its certificate was given to ${whose} by ${by}`,
  };
}
