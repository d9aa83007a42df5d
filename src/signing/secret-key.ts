import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { Certificate } from "./openpgp-key.ts";
import { isWithoutSecret, librarySecretKey, loadOpenPgp } from "./openpgp-library.ts";
import { pemKeyOf } from "./pem-key.ts";
import { SigningError } from "./signing-error.ts";

/** Asks for the passphrase of a key; undefined where there is nobody to ask. */
export type AskPassphrase = (key: string) => Promise<string | undefined>;

/**
 * A secret OpenPGP key, ready to sign.
 *
 * @param ask - asked only where the key has a passphrase
 * @throws SigningError `KEY_LOCKED`; `KEY_UNUSABLE` where the secret is on a card or not there at all
 */
export async function unlockedKey(
  certificate: Certificate,
  ask: AskPassphrase,
): Promise<Certificate> {
  const key = librarySecretKey(certificate);
  const name = `key ${key.getFingerprint()}`;
  if (isWithoutSecret(certificate)) {
    throw new SigningError("KEY_UNUSABLE", `${name}: its secret is not in the keyring`);
  }
  // Subkeys may have another passphrase, and sign nothing here.
  if (key.keyPacket.isDecrypted()) return certificate;
  const passphrase = await ask(name);
  if (passphrase === undefined) throw missing(name);
  const { PrivateKey } = await loadOpenPgp();
  const copy = new PrivateKey(key.toPacketList());
  const packet = copy.keyPacket;
  try {
    if (!("decrypt" in packet)) throw new Error("no secret key");
    await packet.decrypt(passphrase);
  } catch (cause) {
    throw wrong(name, cause);
  }
  return copy;
}

/**
 * Reads a private key in PEM that signatures can be made with, of the kinds of `parsePemKey`.
 *
 * @param ask - asked only where the key has a passphrase
 * @throws SigningError `KEY_UNREADABLE`, `KEY_LOCKED`, `KEY_UNUSABLE`
 */
export async function parsePrivatePem(
  text: string,
  source: string,
  ask: AskPassphrase,
): Promise<KeyObject> {
  const key = isLockedPem(text)
    ? await lockedPem(text, source, ask)
    : readPem(text, source, undefined);
  pemKeyOf(createPublicKey(key), source);
  return key;
}

/** @see RFC 7468 §11; RFC 1421 §4.6.1.1 for the older form */
function isLockedPem(text: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED\r?$/m.test(text);
}

async function lockedPem(text: string, source: string, ask: AskPassphrase): Promise<KeyObject> {
  const passphrase = await ask(source);
  if (passphrase === undefined) throw missing(source);
  return readPem(text, source, passphrase);
}

function readPem(text: string, source: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    if (passphrase !== undefined) throw wrong(source, cause);
    const message = `${source}: expected a private key in PEM`;
    throw new SigningError("KEY_UNREADABLE", message, { cause });
  }
}

function missing(key: string): SigningError {
  return new SigningError("KEY_LOCKED", `${key}: expected its passphrase, got none`);
}

function wrong(key: string, cause: unknown): SigningError {
  return new SigningError("KEY_LOCKED", `${key}: expected its passphrase, got another`, { cause });
}
