import { createHash, type Hash } from "node:crypto";

/** Names in signatures, and what node:crypto calls them, with the hex digits of each. */
const ALGORITHMS: Readonly<Record<string, { readonly name: string; readonly digits: number }>> = {
  sha224: { name: "sha224", digits: 56 },
  sha256: { name: "sha256", digits: 64 },
  sha384: { name: "sha384", digits: 96 },
  sha512: { name: "sha512", digits: 128 },
  sha512_224: { name: "sha512-224", digits: 56 },
  sha512_256: { name: "sha512-256", digits: 64 },
};

/** A digest as the metadata of a signature writes it. */
export interface SignedDigest {
  /** One of the names above. */
  readonly algorithm: string;
  /** Lower case. */
  readonly hex: string;
}

/**
 * Reads `sha256:…`.
 *
 * @returns undefined for an algorithm that is not known, or digits that are not as many as it has
 * @see sif.md §2.2
 */
export function parseDigestText(text: string): SignedDigest | undefined {
  const [algorithm = "", hex = "", ...more] = text.split(":");
  const known = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
  if (known === undefined || more.length > 0) return undefined;
  if (hex.length !== known.digits || !/^[0-9a-fA-F]+$/.test(hex)) return undefined;
  return { algorithm, hex: hex.toLowerCase() };
}

/** Starts the hash that a digest was made with. */
export function hashFor(algorithm: string): Hash {
  const known = ALGORITHMS[algorithm];
  if (known === undefined) throw new Error(`no hash ${algorithm}`);
  return createHash(known.name);
}

export function isDigestOf(bytes: Uint8Array, { algorithm, hex }: SignedDigest): boolean {
  return hashFor(algorithm).update(bytes).digest("hex") === hex;
}
