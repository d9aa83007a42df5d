import type { Certificate } from "./openpgp-key.ts";
import { loadOpenPgp } from "./openpgp-library.ts";
import { SigningError } from "./signing-error.ts";

/** As GnuPG counts: 65 MB are hashed for each try of a passphrase. */
const PASSPHRASE_COST = 255;

export interface NewKey {
  readonly name: string;
  readonly email: string;
  readonly comment?: string;
  /** Milliseconds from now until it expires; absent: never. */
  readonly validForMs?: number;
  /** Bits of an RSA key; absent: Ed25519, as every OpenPGP program of the last ten years reads it. */
  readonly rsaBits?: number;
  /** Absent: the secret stands in the file as it is. */
  readonly passphrase?: string;
}

/**
 * Makes an OpenPGP key of version 4 for signatures alone, with its secret.
 *
 * @param now - milliseconds since 1970
 * @throws SigningError `USER_ID_INVALID`
 */
export async function makeKey(wish: NewKey, now: number): Promise<Certificate> {
  const { generateKey } = await loadOpenPgp();
  const { name, email, comment, validForMs, rsaBits, passphrase } = wish;
  for (const part of [name, comment ?? ""]) {
    // They would make another name or address of it for who reads it.
    if (!/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>()]*$/u.test(part) || part !== part.trim()) {
      throw invalid("a name without controls, spaces at its ends, <, >, ( and )", part);
    }
  }
  if (name === "") throw invalid("a name", name);
  if (!/^[^\s\p{C}<>()@]+@[^\s\p{C}<>()@]+$/u.test(email)) throw invalid("an address", email);
  const { privateKey } = await generateKey({
    userIDs: [{ name, email, ...(comment === undefined ? {} : { comment }) }],
    ...(rsaBits === undefined
      ? ({ type: "ecc", curve: "ed25519Legacy" } as const)
      : ({ type: "rsa", rsaBits } as const)),
    ...(validForMs === undefined ? {} : { keyExpirationTime: Math.floor(validForMs / 1000) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    subkeys: [],
    date: new Date(now),
    format: "object",
    config: { s2kIterationCountByte: PASSPHRASE_COST },
  });
  return privateKey;
}

function invalid(expected: string, got: string): SigningError {
  const message = `new key: expected ${expected}, got ${JSON.stringify(got)}`;
  return new SigningError("USER_ID_INVALID", message);
}
