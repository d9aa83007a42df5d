import type { CleartextMessage, Key, SignaturePacket } from "openpgp";
import type { Signer, Verdict } from "../image/index.ts";
import type { OpenPgpKey, OpenPgpKeys } from "./openpgp-key.ts";
import { libraryKey, loadOpenPgp } from "./openpgp-library.ts";
import type { SignatureFault } from "./signing-error.ts";

/** First line of what `readClearSigned` reads. */
export const CLEAR_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----";

/** Numbers of RFC 9580 §9.5: SHA-256, SHA-384, SHA-512 and SHA-224. */
const STRONG_HASHES: readonly number[] = [8, 9, 10, 11];

export const WEAK_HASH = "its hash is none of SHA-224, 256, 384 and 512";

/** A key of 2048 bits has one bit less where its first factor is small. */
const MIN_RSA_BITS = 2047;
const CURVES: readonly string[] = ["nistP256", "nistP384", "nistP521"];
const EDWARDS: readonly string[] = ["eddsaLegacy", "ed25519", "ed448"];

/** What the library takes for "at no time in particular"; its types leave it out. */
const NO_DATE = null as unknown as undefined;

/** A clear-signed text that was not checked yet. */
export interface ClearSigned {
  /** What is signed, with line feeds and without spaces at the ends of lines. */
  readonly text: string;
  readonly message: CleartextMessage;
}

/** What the check of a signature came to, before anything is known of what it covers. */
export interface SignerResult {
  readonly verdict: Exclude<Verdict, "ignored">;
  readonly code?: SignatureFault;
  readonly reason?: string;
  readonly signer?: Signer;
  readonly signedAt?: number;
}

/**
 * Reads a text in OpenPGP's cleartext signature framework.
 *
 * @returns undefined for what is none
 * @see RFC 9580 §7; sif.md §2.3
 */
export async function readClearSigned(text: string): Promise<ClearSigned | undefined> {
  const { readCleartextMessage } = await loadOpenPgp();
  try {
    const message = await readCleartextMessage({ cleartextMessage: text });
    return { text: message.getText(), message };
  } catch {
    // The library throws plain errors for whatever it cannot read.
    return undefined;
  }
}

/** Whether the header of a text names a hash that the library does not even read. */
export function namesWeakHash(text: string): boolean {
  const [, ...lines] = text.slice(0, 1024).split(/\r?\n/);
  const header = lines.slice(0, lines.indexOf(""));
  return header.some((line) => /^Hash: .*\b(?:MD5|SHA1|RIPEMD160)\b/.test(line));
}

/**
 * Checks the signatures of a clear-signed text. A broken one makes the text broken; else one by a key that
 * we have makes it good.
 *
 * @param fingerprint - of the primary key that made it, as the file says: 40 lower-case hex digits
 * @param now - milliseconds since 1970: keys and signatures are judged as of now, not as of when they
 *   signed
 */
export async function checkClearSigned(
  { message }: ClearSigned,
  keys: readonly OpenPgpKeys[],
  fingerprint: string,
  now: number,
  signal: AbortSignal,
): Promise<SignerResult> {
  const packets = await signaturePackets(message);
  if (packets.length === 0) {
    return { verdict: "broken", code: "SIGNATURE_FORMAT", reason: "it holds no signature" };
  }
  const results: SignerResult[] = [];
  for (const packet of packets) {
    results.push(await checkPacket(packet, message, keys, fingerprint, now, signal));
  }
  return pick(results, "broken") ?? pick(results, "valid") ?? (results[0] as SignerResult);
}

function pick(results: readonly SignerResult[], verdict: Verdict): SignerResult | undefined {
  return results.find((result) => result.verdict === verdict);
}

async function signaturePackets(message: CleartextMessage): Promise<readonly SignaturePacket[]> {
  // The only public way to the packets of a message.
  const checked = await message.verify([]);
  for (const { verified } of checked) verified.catch(() => undefined);
  const signatures = await Promise.all(checked.map(async ({ signature }) => await signature));
  return signatures.flatMap(({ packets }) => [...packets]);
}

async function checkPacket(
  packet: SignaturePacket,
  message: CleartextMessage,
  keys: readonly OpenPgpKeys[],
  fingerprint: string,
  now: number,
  signal: AbortSignal,
): Promise<SignerResult> {
  const created = packet.created?.getTime();
  const signedAt = created === undefined ? {} : { signedAt: created };
  const broken = (code: SignatureFault, reason: string, signer?: Signer): SignerResult => ({
    verdict: "broken",
    code,
    reason,
    ...signedAt,
    ...(signer && { signer }),
  });
  const keyId = packet.issuerKeyID.toHex();
  if (/^0*$/.test(keyId)) return broken("SIGNATURE_INVALID", "it does not say whose it is");
  if (!STRONG_HASHES.includes(packet.hashAlgorithm ?? 0)) {
    return broken("SIGNATURE_WEAK_HASH", WEAK_HASH);
  }
  const named = fingerprint === "" ? undefined : fingerprint;
  const found = await firstFound(keys, keyId, named, signal);
  if (found === undefined) {
    return {
      verdict: "unknown-signer",
      code: "SIGNATURE_SIGNER_UNKNOWN",
      reason: `there is no key ${named ?? keyId}`,
      ...signedAt,
      signer: { fingerprint: named ?? keyId },
    };
  }
  const signer = signerOf(found);
  const key = libraryKey(found.key);
  const unknown = (code: SignatureFault, reason: string): SignerResult => ({
    verdict: "unknown-signer",
    code,
    reason,
    ...signedAt,
    signer,
  });
  const unusable = unusableAlgorithm(key, keyId);
  if (unusable !== undefined) {
    return unknown(
      "SIGNATURE_KEY_UNUSABLE",
      `its key is of ${unusable}, which proves nothing here`,
    );
  }
  const problem = await invalidity(packet, message, key, keyId);
  if (problem !== undefined) return broken("SIGNATURE_INVALID", problem, signer);
  if (signer.fingerprint !== fingerprint) {
    const reason = `the file names ${fingerprint}, and it is by ${signer.fingerprint}`;
    return broken("SIGNATURE_FINGERPRINT", reason, signer);
  }
  if (await isRevoked(key, keyId)) {
    return broken("SIGNATURE_KEY_REVOKED", "its key was revoked", signer);
  }
  if (await isExpired(key, keyId, now)) {
    return unknown("SIGNATURE_KEY_EXPIRED", "its key has expired");
  }
  if (Number(packet.getExpirationTime()) <= now) {
    return unknown("SIGNATURE_EXPIRED", "it has expired");
  }
  const forbidden = await noRight(packet, key);
  if (forbidden !== undefined) return broken("SIGNATURE_INVALID", forbidden, signer);
  return { verdict: "valid", ...signedAt, signer };
}

async function firstFound(
  places: readonly OpenPgpKeys[],
  keyId: string,
  fingerprint: string | undefined,
  signal: AbortSignal,
): Promise<OpenPgpKey | undefined> {
  let first: OpenPgpKey | undefined;
  for (const place of places) {
    const found = await place.find({ keyId, fingerprint }, signal);
    // Two keys can share an id, which is 64 bits of their fingerprints.
    const exact = found.find(({ key }) => key.getFingerprint() === fingerprint);
    if (exact !== undefined) return exact;
    first ??= found[0];
  }
  return first;
}

function signerOf({ key, source }: OpenPgpKey): Signer {
  const [name] = key.getUserIDs();
  return {
    fingerprint: key.getFingerprint(),
    ...(name !== undefined && { name }),
    keySource: source,
  };
}

/** The algorithm of the key with the id, where it is weak, or nothing that we can check. */
function unusableAlgorithm(key: Key, keyId: string): string | undefined {
  const [signing] = key.getKeys().filter((one) => one.getKeyID().toHex() === keyId);
  const { algorithm, bits = 0, curve = "" } = (signing ?? key).getAlgorithmInfo();
  if (algorithm.startsWith("rsa")) return bits < MIN_RSA_BITS ? `RSA of ${bits} bits` : undefined;
  if (algorithm === "ecdsa") return CURVES.includes(curve) ? undefined : `ECDSA over ${curve}`;
  return EDWARDS.includes(algorithm) ? undefined : algorithm.toUpperCase();
}

/** What is wrong with the signature itself. */
async function invalidity(
  packet: SignaturePacket,
  message: CleartextMessage,
  key: Key,
  keyId: string,
): Promise<string | undefined> {
  const { createMessage, enums } = await loadOpenPgp();
  const [signing] = key.getKeys().filter((one) => one.getKeyID().toHex() === keyId);
  if (signing === undefined) return "its key is not among those of the certificate";
  try {
    const { packets } = await createMessage({ binary: signedBytes(message) });
    const literal = packets.findPacket(enums.packet.literalData);
    if (literal === undefined) throw new Error("no literal packet");
    const type = packet.signatureType ?? enums.signature.text;
    // Without a date: whether key and signature have expired is asked apart from this.
    await packet.verify(signing.keyPacket, type, literal, NO_DATE, true);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why its key may not make signatures, or could not when it made this one. */
async function noRight(packet: SignaturePacket, key: Key): Promise<string | undefined> {
  // What a key may do its user ids say, which some servers leave out.
  if (key.users.length === 0) return undefined;
  try {
    await key.getSigningKey(packet.issuerKeyID, packet.created);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The text as it is signed: its lines end in CR and LF. */
function signedBytes(message: CleartextMessage): Uint8Array {
  return Buffer.from(message.getText().replaceAll("\n", "\r\n"));
}

async function isRevoked(key: Key, keyId: string): Promise<boolean> {
  if (await key.isRevoked()) return true;
  for (const subkey of key.subkeys) {
    if (subkey.getKeyID().toHex() !== keyId) continue;
    const [binding] = subkey.bindingSignatures;
    if (binding !== undefined && (await subkey.isRevoked(binding, key.keyPacket))) return true;
  }
  return false;
}

async function isExpired(key: Key, keyId: string, now: number): Promise<boolean> {
  // A key without user ids, as some servers send it, does not say when it expires.
  const ends = key.users.length === 0 ? Infinity : await key.getExpirationTime();
  if (Number(ends ?? 0) <= now) return true;
  for (const subkey of key.subkeys) {
    if (subkey.getKeyID().toHex() !== keyId) continue;
    if (Number((await subkey.getExpirationTime()) ?? 0) <= now) return true;
  }
  return false;
}
