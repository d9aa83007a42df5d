import type { X509Certificate } from "node:crypto";
import { type Digest, isAbsent, isRecord } from "../image/index.ts";
import { base64In, preAuthEncoding } from "../signing/index.ts";
import {
  type FoundSignature,
  type LogClaim,
  readCertificate,
  readSeconds,
  type ReadSignature,
} from "./found-signature.ts";
import { readJson } from "./read-json.ts";

/** Artifact type and layer type of a bundle that refers to an image. */
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** Of the statement that signs an image, as against those that attest something of it. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
/** What a referrer says of the statement in it. */
export const PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType";

const MEDIA_TYPE =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\+json;version=0\.[123]|\.v0\.3\+json)$/;
const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = /^https:\/\/in-toto\.io\/Statement\/v(?:1|0\.1)$/;
const MAX_ENTRIES = 16;

type JsonObject = Readonly<Record<string, unknown>>;

const wrong = { reason: "expected a Sigstore bundle that signs an image" };

/**
 * Reads a bundle as far as we check it ourselves; the Sigstore library reads the same JSON value.
 *
 * @param image - the digest that it refers to
 * @returns "another purpose" for a bundle of something else than a statement that signs an image
 * @see registry.md §12.2
 */
export function readSigstoreBundle(bytes: Uint8Array, blob: Digest, image: Digest): ReadSignature {
  const bundle = readJson(bytes);
  if (!isRecord(bundle)) return wrong;
  const { mediaType, verificationMaterial: material, dsseEnvelope: envelope } = bundle;
  if (typeof mediaType !== "string" || !MEDIA_TYPE.test(mediaType)) return wrong;
  // A signature over the bytes of the manifest: nothing makes such for images.
  if (isAbsent(envelope) && isRecord(bundle["messageSignature"])) return "another purpose";
  if (!isRecord(material) || !isRecord(envelope) || !isAbsent(bundle["messageSignature"])) {
    return wrong;
  }
  const content = readEnvelope(envelope);
  const signer = readSigner(material);
  const logClaims = readLogClaims(material["tlogEntries"]);
  const timestamps = countTimestamps(material["timestampVerificationData"]);
  if (content === undefined || signer === undefined) return wrong;
  if (logClaims === undefined || timestamps === undefined) return wrong;
  if (content === "another purpose") return content;
  const common = { format: "bundle", blob, image, intermediates: [], bundle } as const;
  return { ...common, ...content, ...signer, logClaims, timestamps };
}

type Content = Pick<
  FoundSignature,
  "digests" | "dockerReference" | "payload" | "message" | "signature"
>;

function readEnvelope(envelope: JsonObject): Content | "another purpose" | undefined {
  const { payloadType, signatures } = envelope;
  const payload = base64In(envelope["payload"]);
  if (payload === undefined || !Array.isArray(signatures)) return undefined;
  const [first, ...more] = signatures as readonly unknown[];
  const signature = isRecord(first) ? base64In(first["sig"]) : undefined;
  if (signature === undefined || signature.length === 0 || more.length > 0) return undefined;
  if (payloadType !== PAYLOAD_TYPE) return "another purpose";
  const statement = readJson(payload);
  if (!isRecord(statement) || typeof statement["_type"] !== "string") return undefined;
  if (!STATEMENT_TYPE.test(statement["_type"])) return undefined;
  if (statement["predicateType"] !== SIGN_PREDICATE) return "another purpose";
  const subjects = readSubjects(statement["subject"]);
  if (subjects === undefined) return undefined;
  const message = preAuthEncoding(PAYLOAD_TYPE, payload);
  return { ...subjects, payload, message, signature };
}

function readSubjects(list: unknown): Pick<Content, "digests" | "dockerReference"> | undefined {
  if (!Array.isArray(list)) return undefined;
  const digests: string[] = [];
  const names: string[] = [];
  for (const subject of list as readonly unknown[]) {
    const digest = isRecord(subject) ? subject["digest"] : undefined;
    if (!isRecord(subject) || !isRecord(digest)) return undefined;
    const { sha256 } = digest;
    const { name } = subject;
    if (typeof sha256 === "string") digests.push(`sha256:${sha256}`);
    if (!isAbsent(name) && typeof name !== "string") return undefined;
    if (typeof name === "string" && name !== "") names.push(name);
  }
  // Of several names nobody could say which one the signer gave to which image.
  return { digests, dockerReference: list.length === 1 ? names[0] : undefined };
}

function readSigner(
  material: JsonObject,
): Pick<FoundSignature, "certificate" | "keyHint"> | undefined {
  const { publicKey, certificate, x509CertificateChain: chain } = material;
  const given = [publicKey, certificate, chain].filter((each) => !isAbsent(each));
  if (given.length !== 1) return undefined;
  if (isRecord(publicKey)) {
    const { hint } = publicKey;
    if (!isAbsent(hint) && typeof hint !== "string") return undefined;
    return { certificate: undefined, keyHint: hint === "" ? undefined : (hint ?? undefined) };
  }
  const list = isRecord(chain) ? chain["certificates"] : undefined;
  const leaf = readRaw(Array.isArray(list) ? (list as readonly unknown[])[0] : certificate);
  return leaf === undefined ? undefined : { certificate: leaf, keyHint: undefined };
}

function readRaw(value: unknown): X509Certificate | undefined {
  const bytes = isRecord(value) ? base64In(value["rawBytes"]) : undefined;
  return bytes === undefined ? undefined : readCertificate(bytes);
}

function readLogClaims(value: unknown): readonly LogClaim[] | undefined {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) return undefined;
  const claims: LogClaim[] = [];
  for (const entry of value as readonly unknown[]) {
    if (!isRecord(entry)) return undefined;
    const body = base64In(entry["canonicalizedBody"]);
    const { integratedTime, inclusionPromise } = entry;
    const time = isAbsent(integratedTime) ? 0 : readSeconds(integratedTime);
    if (body === undefined || time === undefined) return undefined;
    claims.push({ body, time, hasPromise: !isAbsent(inclusionPromise) });
  }
  return claims;
}

function countTimestamps(value: unknown): number | undefined {
  if (isAbsent(value)) return 0;
  const list = isRecord(value) ? value["rfc3161Timestamps"] : undefined;
  if (isAbsent(list)) return isRecord(value) ? 0 : undefined;
  return Array.isArray(list) && list.length <= MAX_ENTRIES ? list.length : undefined;
}
