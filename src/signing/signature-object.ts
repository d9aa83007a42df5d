import { viewOf } from "../base/index.ts";
import type { SifDescriptor } from "../sif/index.ts";

/** Values of the hash in a signature's extra field; sif.md §1.3. */
export const SIGNATURE_HASHES = { sha256: 1, sha384: 2, sha512: 3 } as const;

/** The largest number that names a hash: BLAKE2b-256. */
const LAST_HASH = 5;
const ENTITY = { start: 4, end: 24 };
const EXTRA_BYTES = 24;

/** What the record of a signature says of it, which nothing authenticates. */
export interface SignatureRecord {
  /** Whether it names a hash that there is. */
  readonly hasKnownHash: boolean;
  /** Of the OpenPGP key that made it, 40 lower-case hex digits; "" where it is all zero. */
  readonly fingerprint: string;
}

/** Reads the extra field of a signature, 384 bytes: int32 hash, and 20 bytes of a fingerprint. */
export function signatureRecordOf({ extra }: SifDescriptor): SignatureRecord {
  const hash = viewOf(extra).getInt32(0, true);
  const entity = Buffer.from(extra.subarray(ENTITY.start, ENTITY.end)).toString("hex");
  return {
    hasKnownHash: hash >= SIGNATURE_HASHES.sha256 && hash <= LAST_HASH,
    fingerprint: /^0+$/.test(entity) ? "" : entity,
  };
}

/** The extra field of a signature that is to be written. */
export function signatureExtra(
  hash: keyof typeof SIGNATURE_HASHES,
  fingerprint: string,
): Uint8Array {
  const extra = new Uint8Array(EXTRA_BYTES);
  viewOf(extra).setInt32(0, SIGNATURE_HASHES[hash], true);
  extra.set(Buffer.from(fingerprint, "hex"), ENTITY.start);
  return extra;
}
