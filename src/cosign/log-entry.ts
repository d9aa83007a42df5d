import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { isRecord } from "../image/index.ts";
import { base64In } from "../signing/index.ts";
import { type FoundSignature, readCertificate } from "./found-signature.ts";
import { readJson } from "./read-json.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** What an entry of a log is about. */
interface Recorded {
  /** SHA-256 in hex, and what it is one of. */
  readonly hash: string;
  readonly hashOf: "message" | "payload";
  readonly signature: Uint8Array;
  readonly signer: KeyObject | X509Certificate;
}

/**
 * Whether an entry of a log is about this signature: made by this key (or with this certificate), over
 * this payload. An entry that is genuine and about something else proves nothing; cosign did not look
 * for years, and the Sigstore library does not look at the key (CVE-2026-22703).
 *
 * @param body - as the log keeps it
 * @param key - the one that made the signature
 * @see registry.md §12.1 step 4
 */
export function isEntryOf(body: Uint8Array, found: FoundSignature, key: KeyObject): boolean {
  const recorded = readEntry(readJson(body));
  if (recorded === undefined) return false;
  const { hash, hashOf, signature, signer } = recorded;
  const sha256 = createHash("sha256").update(found[hashOf]).digest("hex");
  if (hash !== sha256 || !Buffer.from(signature).equals(found.signature)) return false;
  if (signer instanceof X509Certificate && found.certificate !== undefined) {
    return signer.raw.equals(found.certificate.raw);
  }
  return (signer instanceof X509Certificate ? signer.publicKey : signer).equals(key);
}

function readEntry(entry: unknown): Recorded | undefined {
  if (!isRecord(entry)) return undefined;
  const { kind, apiVersion, spec } = entry;
  if (!isRecord(spec)) return undefined;
  switch (`${String(kind)} ${String(apiVersion)}`) {
    case "hashedrekord 0.0.1":
      return readHashedRekord(spec);
    case "hashedrekord 0.0.2":
      return readSecond(spec["hashedRekordV002"], "message");
    case "dsse 0.0.1":
      return readDsse(spec);
    case "dsse 0.0.2":
      return readSecond(spec["dsseV002"], "payload");
    case "intoto 0.0.2":
      return readIntoto(spec);
    default:
      return undefined;
  }
}

function readHashedRekord(spec: JsonObject): Recorded | undefined {
  const hash = sha256In(at(spec, "data", "hash"));
  const signature = base64In(at(spec, "signature", "content"));
  const signer = pemSigner(at(spec, "signature", "publicKey", "content"));
  return recorded(hash, "message", signature, signer);
}

function readDsse(spec: JsonObject): Recorded | undefined {
  const only = onlyOne(spec["signatures"]);
  const signature = base64In(at(only, "signature"));
  const signer = pemSigner(at(only, "verifier"));
  return recorded(sha256In(spec["payloadHash"]), "payload", signature, signer);
}

function readIntoto(spec: JsonObject): Recorded | undefined {
  const only = onlyOne(at(spec, "content", "envelope", "signatures"));
  // In base64 twice.
  const inner = base64In(at(only, "sig"));
  const signature = inner && base64In(Buffer.from(inner).toString("latin1"));
  const signer = pemSigner(at(only, "publicKey"));
  return recorded(sha256In(at(spec, "content", "payloadHash")), "payload", signature, signer);
}

/** Both kinds of the second version of logs name the signer in DER. */
function readSecond(spec: unknown, hashOf: Recorded["hashOf"]): Recorded | undefined {
  const isDsse = hashOf === "payload";
  const hash = base64In(at(spec, isDsse ? "payloadHash" : "data", "digest"));
  const algorithm = at(spec, isDsse ? "payloadHash" : "data", "algorithm");
  const only = isDsse ? onlyOne(at(spec, "signatures")) : at(spec, "signature");
  const signature = base64In(at(only, "content"));
  const key = base64In(at(only, "verifier", "publicKey", "rawBytes"));
  const certificate = base64In(at(only, "verifier", "x509Certificate", "rawBytes"));
  if (hash === undefined || algorithm !== "SHA2_256") return undefined;
  if ((key === undefined) === (certificate === undefined)) return undefined;
  const signer = tryTo(() => {
    if (certificate !== undefined) return readCertificate(certificate);
    return createPublicKey({ key: Buffer.from(key ?? []), format: "der", type: "spki" });
  });
  return recorded(Buffer.from(hash).toString("hex"), hashOf, signature, signer);
}

function recorded(
  hash: string | undefined,
  hashOf: Recorded["hashOf"],
  signature: Uint8Array | undefined,
  signer: Recorded["signer"] | undefined,
): Recorded | undefined {
  if (hash === undefined || signature === undefined || signer === undefined) return undefined;
  return { hash, hashOf, signature, signer };
}

function sha256In(value: unknown): string | undefined {
  const hex = at(value, "value");
  return at(value, "algorithm") === "sha256" && typeof hex === "string" ? hex : undefined;
}

/** A key or certificate, as base64 of its PEM. */
function pemSigner(value: unknown): Recorded["signer"] | undefined {
  const bytes = base64In(value);
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes).toString("latin1");
  // Of a private key Node would make the public one.
  if (text.includes("PRIVATE KEY")) return undefined;
  return tryTo(() =>
    text.includes("CERTIFICATE") ? readCertificate(text) : createPublicKey(text),
  );
}

/** What Node makes of a stranger's key; its errors for such have no class of their own. */
function tryTo<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function onlyOne(list: unknown): unknown {
  return Array.isArray(list) && list.length === 1 ? (list as readonly unknown[])[0] : undefined;
}

function at(value: unknown, ...names: readonly string[]): unknown {
  let inner = value;
  for (const name of names) inner = isRecord(inner) ? inner[name] : undefined;
  return inner;
}
