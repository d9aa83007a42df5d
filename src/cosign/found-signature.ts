import { X509Certificate } from "node:crypto";
import type { Digest, ImageEvidence } from "../image/index.ts";

/** What a log says that it was given, and when. Nothing of it is proved yet. */
export interface LogClaim {
  readonly body: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
  /** Whether the log signed the time along with the body. */
  readonly hasPromise: boolean;
}

/** A signature as it was found: read, and nothing of it believed. */
export interface FoundSignature {
  readonly format: ImageEvidence["format"];
  /** The blob it came in. */
  readonly blob: Digest;
  /** The digest that it lies beside. */
  readonly image: Digest;
  /** The digests that the payload names. */
  readonly digests: readonly string[];
  /** What the payload calls the image; undefined where it does not. */
  readonly dockerReference: string | undefined;
  readonly payload: Uint8Array;
  /** The bytes that were signed: the payload, or what DSSE makes of it. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Of the key that signed; undefined where nothing is said, or a key is only hinted at. */
  readonly certificate: X509Certificate | undefined;
  /** Base64 of the SHA-256 of the key; undefined where nothing is said. */
  readonly keyHint: string | undefined;
  readonly intermediates: readonly X509Certificate[];
  readonly logClaims: readonly LogClaim[];
  /** How many timestamps of authorities there are. */
  readonly timestamps: number;
  /** All of it, as a Sigstore bundle in JSON. */
  readonly bundle: unknown;
}

/** Why something that is in the place of a signature is none. */
export interface Unreadable {
  readonly reason: string;
}

/** What was found in one place; a string: it says that it is for something else than to sign an image. */
export type ReadSignature = FoundSignature | Unreadable | "another purpose";

/** More than any log made; the sixteenth digit is past what a double holds. */
const MAX_SECONDS = 253_402_300_800;

/** Seconds since 1970 as JSON has them, a number or its text; undefined for anything else. */
export function readSeconds(value: unknown): number | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !/^[0-9]{1,12}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds < MAX_SECONDS ? seconds : undefined;
}

/** Undefined for what is no certificate, and for one whose key cannot be read. */
export function readCertificate(bytes: Uint8Array | string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(bytes);
    return hasReadableKey(certificate) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** Node reads the key of a certificate where it is first asked for, and throws there. */
export function hasReadableKey(certificate: X509Certificate): boolean {
  try {
    return certificate.publicKey.type === "public";
  } catch {
    return false;
  }
}
