export { certificateKey, parseCertificates, subjectOf } from "./certificate-key.ts";
export { base64In, parseEnvelope, preAuthEncoding } from "./dsse.ts";
export { keyFacts, type KeyFacts } from "./key-facts.ts";
export { KeyRing, parseKeys, parseRing, readKeys, type RingEntry } from "./key-ring.ts";
export { makeKey, type NewKey } from "./make-key.ts";
export type { Certificate, OpenPgpKey, OpenPgpKeys } from "./openpgp-key.ts";
export type { KnownDigests } from "./object-digests.ts";
export { isSignatureOf, parsePemKey, pemKeyOf, type PemKey } from "./pem-key.ts";
export { parsePrivatePem, unlockedKey, type AskPassphrase } from "./secret-key.ts";
export { partsFault, type PartsFault } from "./require-parts.ts";
export { signSif, type SifSigner, type SignedParts } from "./sign-sif.ts";
export {
  SigningError,
  type KeyFault,
  type SignatureFault,
  type SignedFileFault,
  type SigningErrorCode,
} from "./signing-error.ts";
export {
  verifySif,
  type SifVerification,
  type VerificationKeys,
  type VerifyOptions,
} from "./verify-sif.ts";
export { armoredKey, keyBytes, mergedKey, publicKeyOf } from "./write-keys.ts";
