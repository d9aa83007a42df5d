/** What `parseFingerprint` reads, for messages. */
export const FINGERPRINT_FORM = "a fingerprint of 40 hexadecimal digits (64 for version 6)";

/**
 * The fingerprint of a key as people paste it: in either case, with spaces and `0x`. A shorter id names no
 * key: others with the same one can be made.
 *
 * @returns 40 or 64 lower-case hex digits; undefined for anything else
 */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, "").replace(/^0x/i, "").toLowerCase();
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(digits) ? digits : undefined;
}
