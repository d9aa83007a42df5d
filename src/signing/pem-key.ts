import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { SigningError } from "./signing-error.ts";
import { sshFingerprint } from "./ssh-fingerprint.ts";

/** A public key that is no OpenPGP one. */
export interface PemKey {
  readonly key: KeyObject;
  /** As ssh-keygen prints it. */
  readonly fingerprint: string;
  /** The file it came from, or what stands for one. */
  readonly source: string;
  /** The subject of the certificate that it came in. */
  readonly subject?: string;
}

/** Shorter RSA keys are as good as none. */
const MIN_RSA_BITS = 2048;

/**
 * Reads one public key: SPKI or PKCS#1 in PEM, of Ed25519, ECDSA over a NIST curve, or RSA of 2048 bits
 * or more.
 *
 * @throws SigningError `KEY_UNREADABLE`, `KEY_UNUSABLE`
 */
export function parsePemKey(text: string, source: string): PemKey {
  // Of a private key Node would make the public one: whoever names that as what he trusts has erred.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new SigningError("KEY_UNREADABLE", `${source}: expected a public key, got a private one`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw new SigningError("KEY_UNREADABLE", `${source}: expected a public key in PEM`, { cause });
  }
  return pemKeyOf(key, source);
}

/** @throws SigningError `KEY_UNUSABLE` for a kind or length that signatures are not made with */
export function pemKeyOf(key: KeyObject, source: string): PemKey {
  const fingerprint = sshFingerprint(key);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (fingerprint !== undefined && (bits ?? MIN_RSA_BITS) >= MIN_RSA_BITS) {
    return { key, fingerprint, source };
  }
  const got = bits === undefined ? String(key.asymmetricKeyType) : `RSA of ${bits} bits`;
  const expected = `Ed25519, ECDSA over a NIST curve, or RSA of ${MIN_RSA_BITS} bits or more`;
  throw new SigningError("KEY_UNUSABLE", `${source}: expected a key of ${expected}, got ${got}`);
}

/** Whether `signature` is one of `message`: SHA-256 with ECDSA (DER) and RSA (PKCS#1 v1.5). */
export function isSignatureOf(message: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", message, key, signature);
}
