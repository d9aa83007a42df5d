import { createHash, type X509Certificate } from "node:crypto";
import { type Descriptor, type Digest, isAbsent, isRecord } from "../image/index.ts";
import { base64In, parseCertificates, SigningError } from "../signing/index.ts";
import {
  hasReadableKey,
  type LogClaim,
  readCertificate,
  readSeconds,
  type ReadSignature,
  type Unreadable,
} from "./found-signature.ts";
import { readJson } from "./read-json.ts";

/** Media type of a payload; the signature over it stands in the annotations of its descriptor. */
export const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";

const PAYLOAD_TYPE = "cosign container image signature";

const ANNOTATION = {
  signature: "dev.cosignproject.cosign/signature",
  certificate: "dev.sigstore.cosign/certificate",
  chain: "dev.sigstore.cosign/chain",
  log: "dev.sigstore.cosign/bundle",
  timestamp: "dev.sigstore.cosign/rfc3161timestamp",
} as const;

const MAX_CHAIN = 8;

/**
 * Reads a payload and what the descriptor of its blob says beside it.
 *
 * @param image - the digest under whose tag it was found
 * @see registry.md §12.1
 */
export function readSimpleSigning(
  payload: Uint8Array,
  descriptor: Descriptor,
  image: Digest,
): ReadSignature {
  const claim = readPayload(payload);
  if ("reason" in claim) return claim;
  const annotations = descriptor.annotations ?? {};
  const signature = base64In(annotations[ANNOTATION.signature]);
  if (signature === undefined || signature.length === 0) {
    return { reason: "expected a signature in base64 beside the payload" };
  }
  const certificates = readCertificates(annotations);
  const log = readLog(annotations[ANNOTATION.log]);
  const stamp = readTimestamp(annotations[ANNOTATION.timestamp]);
  if (isUnreadable(certificates)) return certificates;
  if (isUnreadable(log)) return log;
  if (isUnreadable(stamp)) return stamp;
  const { leaf, intermediates } = certificates;
  return {
    format: "simple-signing",
    blob: descriptor.digest,
    image,
    digests: [claim.digest],
    dockerReference: claim.dockerReference,
    payload,
    message: payload,
    signature,
    certificate: leaf,
    keyHint: undefined,
    intermediates,
    logClaims: log === undefined ? [] : [log.claim],
    timestamps: stamp === undefined ? 0 : 1,
    bundle: bundleOf({ payload, signature, leaf, log, stamp }),
  };
}

interface Claim {
  readonly digest: string;
  readonly dockerReference: string | undefined;
}

/** Exact in its critical part: what two readers could take for different things is refused. */
function readPayload(payload: Uint8Array): Claim | Unreadable {
  const wrong = { reason: "expected the payload of a signature of an image" };
  const value = readJson(payload);
  if (!isRecord(value) || !hasOnly(value, ["critical", "optional"])) return wrong;
  const { critical, optional } = value;
  if (!isAbsent(optional) && !isRecord(optional)) return wrong;
  if (!isRecord(critical) || !hasOnly(critical, ["identity", "image", "type"])) return wrong;
  const { identity, image, type } = critical;
  if (type !== PAYLOAD_TYPE) return wrong;
  if (!isRecord(image) || !hasOnly(image, ["docker-manifest-digest"])) return wrong;
  if (!isRecord(identity) || !hasOnly(identity, ["docker-reference"])) return wrong;
  const digest = image["docker-manifest-digest"];
  const name = identity["docker-reference"];
  if (typeof digest !== "string" || typeof name !== "string") return wrong;
  return { digest, dockerReference: name === "" ? undefined : name };
}

interface Certificates {
  readonly leaf: X509Certificate | undefined;
  readonly intermediates: readonly X509Certificate[];
}

function readCertificates(
  annotations: Readonly<Record<string, string>>,
): Certificates | Unreadable {
  const text = annotations[ANNOTATION.certificate] ?? "";
  if (text === "") return { leaf: undefined, intermediates: [] };
  const leaf = readCertificate(text);
  if (leaf === undefined) return { reason: "expected a certificate in PEM beside the payload" };
  try {
    const chain = parseCertificates(annotations[ANNOTATION.chain] ?? "", "chain");
    return { leaf, intermediates: chain.slice(0, MAX_CHAIN).filter(hasReadableKey) };
  } catch (error) {
    if (!(error instanceof SigningError)) throw error;
    return { reason: "expected the certificate's chain in PEM beside the payload" };
  }
}

interface LogEntry {
  readonly claim: LogClaim;
  readonly json: Readonly<Record<string, unknown>>;
}

/** The entry of a log, as the first versions of its API gave it out. */
function readLog(text: string | undefined): LogEntry | undefined | Unreadable {
  if (text === undefined || text === "") return undefined;
  const wrong = { reason: "expected the entry of a log beside the payload" };
  const value = readJson(Buffer.from(text));
  const payload = isRecord(value) ? value["Payload"] : undefined;
  if (!isRecord(value) || !isRecord(payload)) return wrong;
  const { integratedTime, logIndex, logID } = payload;
  const promise = value["SignedEntryTimestamp"];
  const body = base64In(payload["body"]);
  const time = readSeconds(integratedTime);
  const kind = body === undefined ? undefined : readJson(body);
  if (body === undefined || time === undefined || base64In(promise) === undefined) return wrong;
  if (typeof logIndex !== "number" || !Number.isSafeInteger(logIndex)) return wrong;
  if (typeof logID !== "string" || !/^[0-9a-f]{64}$/.test(logID) || !isRecord(kind)) return wrong;
  return {
    claim: { body, time, hasPromise: true },
    json: {
      logIndex: String(logIndex),
      logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
      kindVersion: { kind: kind["kind"], version: kind["apiVersion"] },
      integratedTime: String(time),
      inclusionPromise: { signedEntryTimestamp: promise },
      canonicalizedBody: payload["body"],
    },
  };
}

function readTimestamp(text: string | undefined): { token: string } | undefined | Unreadable {
  if (text === undefined || text === "") return undefined;
  const value = readJson(Buffer.from(text));
  const token = isRecord(value) ? value["SignedRFC3161Timestamp"] : undefined;
  if (typeof token === "string" && base64In(token) !== undefined) return { token };
  return { reason: "expected a timestamp in base64 beside the payload" };
}

/** The same as a bundle, which is what the Sigstore library reads. */
function bundleOf(parts: {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly leaf: X509Certificate | undefined;
  readonly log: LogEntry | undefined;
  readonly stamp: { token: string } | undefined;
}): unknown {
  const { payload, signature, leaf, log, stamp } = parts;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      ...(leaf === undefined
        ? { publicKey: { hint: "" } }
        : { x509CertificateChain: { certificates: [{ rawBytes: base64(leaf.raw) }] } }),
      tlogEntries: log === undefined ? [] : [log.json],
      timestampVerificationData: {
        rfc3161Timestamps: stamp === undefined ? [] : [{ signedTimestamp: stamp.token }],
      },
    },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: createHash("sha256").update(payload).digest("base64"),
      },
      signature: base64(signature),
    },
  };
}

function hasOnly(value: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

function isUnreadable(value: object | undefined): value is Unreadable {
  return value !== undefined && "reason" in value;
}
