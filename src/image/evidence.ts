/**
 * What came of checking one signature: `valid` (by a key that we have), `unknown-signer` (nothing is
 * wrong with it, but it proves nothing to us), `broken` (it or what it covers was changed, or its key may not
 * be used any more), `ignored` (a kind that proves too little to count).
 */
export type Verdict = "valid" | "unknown-signer" | "broken" | "ignored";

/** Who made a signature. */
export interface Signer {
  /**
   * Of the key: 40 lower-case hex digits for OpenPGP (the primary key's), `SHA256:` and base64 of its SSH
   * form, as ssh-keygen prints it, for others.
   */
  readonly fingerprint: string;
  /** User id or subject, as the key or certificate says: proved by nothing but the key's owner. */
  readonly name?: string;
  /** Where the key was found: a file, or a key server's URL; absent for a key that we do not have. */
  readonly keySource?: string;
}

/** What a signature of a SIF file covers; numbers are object ids. */
export interface SifCoverage {
  /** The group it is for; undefined for a legacy signature of one object. */
  readonly group?: number;
  readonly objects: readonly number[];
  /** Objects of the group that are not covered. */
  readonly missing: readonly number[];
  /** Whether the partition that holds the root file system is covered. */
  readonly primary: boolean;
}

/** One signature, and what it proves. */
export interface SignatureEvidence {
  readonly format: "openpgp" | "dsse" | "legacy" | "unknown";
  readonly verdict: Verdict;
  /** Why it is not `valid`; absent where it is. */
  readonly code?: string;
  /** The same for people; absent where it is `valid`. */
  readonly reason?: string;
  /** Absent where the signature does not even say. */
  readonly signer?: Signer;
  /** Milliseconds since 1970, as the signer says; DSSE has none. */
  readonly signedAt?: number;
  /** Id of the object that holds the signature. */
  readonly object: number;
  readonly covers: SifCoverage;
}
