import type { Certificate } from "./openpgp-key.ts";
import { libraryKey } from "./openpgp-library.ts";

/** What a certificate says of itself. Times are milliseconds since 1970. */
export interface KeyFacts {
  /** Of the primary key: 40 lower-case hex digits, 64 for version 6. */
  readonly fingerprint: string;
  /** As the owner wrote them: text of strangers. */
  readonly userIds: readonly string[];
  /** `ed25519`, `rsa4096`, `nistP256` and the like. */
  readonly algorithm: string;
  readonly createdAt: number;
  /** Absent where it never does, or does not say: one without user ids cannot. */
  readonly expiresAt?: number;
  readonly isRevoked: boolean;
  readonly isSecret: boolean;
}

/** Reads what a certificate says, after checking its own signatures on that. */
export async function keyFacts(certificate: Certificate): Promise<KeyFacts> {
  const key = libraryKey(certificate);
  const expires = key.users.length === 0 ? Infinity : await key.getExpirationTime();
  // Null where nothing of it is valid any more: then it is as good as expired when it was made.
  const expiresAt = expires === null ? key.getCreationTime().getTime() : Number(expires);
  return {
    fingerprint: key.getFingerprint(),
    userIds: key.getUserIDs(),
    algorithm: algorithmOf(certificate),
    createdAt: key.getCreationTime().getTime(),
    ...(expiresAt === Infinity ? {} : { expiresAt }),
    isRevoked: await key.isRevoked(),
    isSecret: key.isPrivate(),
  };
}

function algorithmOf(certificate: Certificate): string {
  const { algorithm, bits, curve } = libraryKey(certificate).getAlgorithmInfo();
  if (bits !== undefined) return `${algorithm.replace(/(?:Encrypt|Sign).*/, "")}${bits}`;
  return curve === undefined ? algorithm : curve.replace(/Legacy$/, "");
}
