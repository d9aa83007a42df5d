import type { Certificate } from "./openpgp-key.ts";
import { isWithoutSecret, libraryKey } from "./openpgp-library.ts";

/** The packets of a certificate. */
export function keyBytes(certificate: Certificate): Uint8Array {
  return libraryKey(certificate).write();
}

/** The same as text. */
export function armoredKey(certificate: Certificate): string {
  return libraryKey(certificate).armor().replaceAll("\r\n", "\n");
}

/** The certificate without its secrets. */
export function publicKeyOf(certificate: Certificate): Certificate {
  return libraryKey(certificate).toPublic();
}

/**
 * What two copies of a certificate know together: user ids, subkeys, signatures, revocations.
 *
 * @param known - its secrets stay as they are, for another copy may have another passphrase; unless
 *   they are not there at all
 * @param more - of the same fingerprint, and secret only where `known` is
 */
export async function mergedKey(known: Certificate, more: Certificate): Promise<Certificate> {
  const [first, second] =
    isWithoutSecret(known) && !isWithoutSecret(more) ? [more, known] : [known, more];
  return await libraryKey(first).update(libraryKey(second));
}
