import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { parsePemKey, type PemKey } from "../../src/signing/index.ts";
import { type Entry, mock } from "./sigstore-mock.ts";

const REKOR = "https://rekor.test";
const OID_SHA256 = "2.16.840.1.101.3.4.2.1";
const OID_ISSUER = "1.3.6.1.4.1.57264.1.8";
const OID_ISSUER_TEXT = "1.3.6.1.4.1.57264.1.1";

export const IDENTITY = "https://ci.test/team/app/release.yml";
export const ISSUER = "https://issuer.test";

/** A key pair, and the public key as siflet reads it. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly trusted: PemKey;
}

/** A certificate with the key that it is for. */
export interface Holder {
  readonly privateKey: KeyObject;
  readonly der: Buffer;
  readonly pem: string;
}

export type Curve = "P-256" | "P-384" | "P-521";

export function keyPair(kind: "ed25519" | "rsa" | Curve = "P-256"): KeyPair {
  const { privateKey, publicKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : kind === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: kind });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  return { privateKey, publicKey, pem, trusted: parsePemKey(pem, `${kind}.pub`) };
}

export function signedBy(privateKey: KeyObject, message: Uint8Array, hash = "sha256"): Buffer {
  return sign(privateKey.asymmetricKeyType === "ed25519" ? null : hash, message, privateKey);
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

export interface SigstoreOptions {
  /** When the log says that it took an entry; when its certificates begin to be valid where absent. */
  readonly loggedAt?: Date;
}

/**
 * When all services say that it is: a minute from now, when the authorities' own certificates, which are
 * valid from now on, are surely valid; and a full second, since others are written in several ways.
 */
function serviceTime(): Date {
  return new Date(Math.ceil(Date.now() / 1000) * 1000 + 60_000);
}

/** All services of a Sigstore, of `@sigstore/mock`, and the trusted root that names them. */
export interface Sigstore {
  readonly root: Readonly<Record<string, unknown>>;
  readonly rootBytes: Buffer;
  /** The key of the log, as siflet reads it. */
  readonly logKey: PemKey;
  /** The certificate of the authority that gives certificates out. */
  readonly caPem: string;
  readonly certificate: (
    names?: { readonly identity?: string; readonly issuer?: string },
    curve?: Curve,
  ) => Promise<Holder>;
  readonly record: (entry: object) => Promise<Entry>;
  /** A timestamp of `signature`, in DER. */
  readonly stamp: (signature: Uint8Array) => Promise<Buffer>;
}

export async function startSigstore(options: SigstoreOptions = {}): Promise<Sigstore> {
  const [caKeys, ctKeys, logKeys, tsaKeys] = [ec(), ec(), ec(), ec()];
  const ctLog = await mock.initializeCTLog(ctKeys);
  const now = serviceTime();
  const ca = await mock.initializeCA(caKeys, ctLog, now);
  const log = await mock.initializeTLog(REKOR, logKeys, options.loggedAt ?? now);
  const tsa = await mock.initializeTSA(tsaKeys, now);
  const caDer = bytesOf(ca.rootCertificate);
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [logInstance(REKOR, log.publicKey)],
    certificateAuthorities: [authority([caDer])],
    ctlogs: [logInstance("https://ct.test", ctLog.publicKey)],
    timestampAuthorities: [authority([bytesOf(tsa.intCertificate), bytesOf(tsa.rootCertificate)])],
  };
  const logPem = logKeys.publicKey.export({ format: "pem", type: "spki" }).toString();
  return {
    root,
    rootBytes: Buffer.from(JSON.stringify(root)),
    logKey: parsePemKey(logPem, "rekor.pub"),
    caPem: pemOf(caDer),
    async certificate({ identity = IDENTITY, issuer = ISSUER } = {}, curve = "P-256") {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
      const der = bytesOf(
        await ca.issueCertificate({
          publicKey: publicKey.export({ format: "der", type: "spki" }),
          subjectAltName: identity,
          extensions: [
            { oid: OID_ISSUER, value: issuer },
            { oid: OID_ISSUER_TEXT, value: issuer, legacy: true },
          ],
        }),
      );
      return { privateKey, der, pem: pemOf(der) };
    },
    async record(entry) {
      const [recorded] = Object.values(await log.log(entry));
      if (recorded === undefined) throw new Error("the log took nothing");
      return recorded;
    },
    async stamp(signature) {
      const artifactHash = sha256(signature);
      const request = { artifactHash, hashAlgorithmOID: OID_SHA256, nonce: 1, policyOID: "1.2.3" };
      return bytesOf(await tsa.timestamp(request));
    },
  };
}

function ec(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(Buffer.from(buffer, byteOffset, byteLength));
}

function logInstance(baseUrl: string, publicKey: Buffer): object {
  return {
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: publicKey.toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: { start: "2020-01-01T00:00:00Z" },
    },
    logId: { keyId: sha256(publicKey).toString("base64") },
  };
}

function authority(chain: readonly Buffer[]): object {
  return {
    subject: { organization: "sigstore.mock", commonName: "sigstore" },
    uri: "https://ca.test",
    certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString("base64") })) },
    validFor: { start: "2020-01-01T00:00:00Z" },
  };
}
