import type { PrivateKey, PublicKey } from "openpgp";
import type { Certificate } from "./openpgp-key.ts";

/**
 * Loads the OpenPGP library: a megabyte that only who checks or makes such signatures needs.
 *
 * @see docs/decisions/0013-openpgp.md
 */
export async function loadOpenPgp(): Promise<typeof import("openpgp")> {
  return await import("openpgp");
}

/** What the library knows of a certificate: every one of ours is a key of the library. */
export function libraryKey(certificate: Certificate): PublicKey {
  return certificate as unknown as PublicKey;
}

/** The same of one with its secret keys. */
export function librarySecretKey(certificate: Certificate): PrivateKey {
  const key = libraryKey(certificate);
  if (!key.isPrivate()) throw new Error(`${key.getFingerprint()}: no secret key`);
  return key;
}

/** Whether what should be a secret key is only a sign that there is one, on a card or another machine. */
export function isWithoutSecret(certificate: Certificate): boolean {
  const { keyPacket } = libraryKey(certificate);
  return "isMissingSecretKeyMaterial" in keyPacket && keyPacket.isMissingSecretKeyMaterial();
}
