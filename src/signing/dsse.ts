import { sign, type KeyObject } from "node:crypto";
import { ImageError, isRecord, parseStrictJson } from "../image/index.ts";
import { isSignatureOf, type PemKey } from "./pem-key.ts";
import { sshFingerprint } from "./ssh-fingerprint.ts";

/** Of the metadata in a SIF's DSSE signatures; sif.md §2.4. */
export const SIF_PAYLOAD_TYPE = "application/vnd.sylabs.sif-metadata+json";

/** More than any envelope has: each may be tried with each key. */
const MAX_SIGNATURES = 64;

/** A DSSE envelope: a payload, and who signed it. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly {
    /** `""` where the envelope does not say. */
    readonly keyId: string;
    readonly bytes: Uint8Array;
  }[];
}

/**
 * Reads an envelope, which may end in white space.
 *
 * @returns undefined for what is none
 * @see DSSE 1.0, envelope; sif.md §2.4
 */
export function parseEnvelope(bytes: Uint8Array): Envelope | undefined {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, "DSSE envelope");
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
  if (!isRecord(value) || !Array.isArray(value["signatures"])) return undefined;
  const { payloadType } = value;
  const payload = base64In(value["payload"]);
  const items = value["signatures"] as readonly unknown[];
  if (typeof payloadType !== "string" || payload === undefined) return undefined;
  if (items.length === 0 || items.length > MAX_SIGNATURES) return undefined;
  const signatures = [];
  for (const item of items) {
    if (!isRecord(item)) return undefined;
    const { keyid: keyId = "" } = item;
    const signature = base64In(item["sig"]);
    if (typeof keyId !== "string" || signature === undefined) return undefined;
    signatures.push({ keyId, bytes: signature });
  }
  return { payloadType, payload, signatures };
}

/** Standard base64 with its padding, and no other character. */
export function base64In(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value ? bytes : undefined;
}

/** The bytes that are signed in place of a payload. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** What the signatures of an envelope come to. */
export type EnvelopeResult =
  | { readonly kind: "valid"; readonly by: PemKey }
  /** None is by a key that we have; the ids are of those who say that they signed. */
  | { readonly kind: "unknown-signer"; readonly keyIds: readonly string[] }
  /** One says that it is by a key that we have, and is not. */
  | { readonly kind: "invalid"; readonly by: PemKey };

/**
 * Checks the signatures of an envelope. One by a key of ours makes it good, whatever the others are;
 * one that names a key of ours and is not by it makes it bad where none is good.
 *
 * @see DSSE 1.0, protocol
 */
export function checkEnvelope(
  { payloadType, payload, signatures }: Envelope,
  keys: readonly PemKey[],
): EnvelopeResult {
  const message = preAuthEncoding(payloadType, payload);
  let refuted: PemKey | undefined;
  for (const { keyId, bytes } of signatures) {
    for (const candidate of keys) {
      if (keyId !== "" && keyId !== candidate.fingerprint) continue;
      if (isSignatureOf(message, bytes, candidate.key)) return { kind: "valid", by: candidate };
      if (keyId !== "") refuted ??= candidate;
    }
  }
  if (refuted !== undefined) return { kind: "invalid", by: refuted };
  return {
    kind: "unknown-signer",
    keyIds: signatures.map(({ keyId }) => keyId).filter((keyId) => keyId !== ""),
  };
}

/**
 * Signs `payload` with each of the private keys: SHA-256 with ECDSA and RSA.
 *
 * @returns the envelope as the reference writes it: one line, no line break at the end
 */
export function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  keys: readonly { readonly privateKey: KeyObject; readonly publicKey: KeyObject }[],
): string {
  const message = preAuthEncoding(payloadType, payload);
  return JSON.stringify({
    payloadType,
    payload: Buffer.from(payload).toString("base64"),
    signatures: keys.map(({ privateKey, publicKey }) => ({
      keyid: sshFingerprint(publicKey) ?? "",
      sig: sign(
        privateKey.asymmetricKeyType === "ed25519" ? null : "sha256",
        message,
        privateKey,
      ).toString("base64"),
    })),
  });
}
