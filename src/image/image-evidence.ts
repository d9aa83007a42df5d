import type { Digest } from "./digest.ts";
import type { Verdict } from "./evidence.ts";

/** Who signed an image: a key, or whoever a certificate was given to. */
export interface ImageSigner {
  /** Of the key that made the signature, as ssh-keygen prints it. */
  readonly fingerprint: string;
  /** Where the key was found: a file, or what stands for one; absent for the key of a certificate. */
  readonly keySource?: string;
  /** The name in the certificate (mail address, URI, host) that was asked for, else the first one. */
  readonly identity?: string;
  /** Who vouched for that name: the OpenID issuer that the certificate names. */
  readonly issuer?: string;
}

/** One signature of an image in a registry, and what it proves. */
export interface ImageEvidence {
  /** A payload under the tag `sha256-….sig`, or a Sigstore bundle that refers to the image. */
  readonly format: "simple-signing" | "bundle";
  readonly verdict: Verdict;
  /** Why it is not `valid`; absent where it is. */
  readonly code?: string;
  /** The same for people; absent where it is `valid`. */
  readonly reason?: string;
  /** The blob that holds what was signed. */
  readonly signature: Digest;
  /** Which of the digests of the image it lies beside: of the index, or of the manifest. */
  readonly image: Digest;
  /** Those who are trusted and whose signature this is; see `Authority`. */
  readonly authorities: readonly string[];
  /** Absent where nobody is proved to have signed. */
  readonly signer?: ImageSigner;
  /** What the signer called the image; absent where the signature does not say. */
  readonly dockerReference?: string;
  /** Milliseconds since 1970, as a transparency log or a timestamp proves; absent without one. */
  readonly signedAt?: number;
}
