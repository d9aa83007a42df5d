import { verify, type KeyObject } from "node:crypto";
import { isSignatureOf } from "../signing/index.ts";

/** Hashes that signers take for the larger curves; older ones took SHA-256 for all. */
const CURVE_HASHES: Readonly<Record<string, string>> = { secp384r1: "sha384", secp521r1: "sha512" };

/** Whether `signature` is one of `message` by `key`, which `pemKeyOf` took. */
export function isSignedBy(message: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  if (isSignatureOf(message, signature, key)) return true;
  const hash = CURVE_HASHES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  return hash !== undefined && verify(hash, message, key, signature);
}
