import type { Digest } from "../../src/image/index.ts";
import { Registries, type RepositoryAttachments } from "../../src/registry/index.ts";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { preAuthEncoding } from "../../src/signing/index.ts";
import {
  digestOf,
  type FakeRegistry,
  type FixtureIndex,
  makeImage,
  makeIndex,
  openTestClient,
  startRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { sha256, signedBy } from "./sigstore-fixture.ts";
import type { Entry } from "./sigstore-mock.ts";
import type { KeyObject } from "node:crypto";

export const never: AbortSignal = new AbortController().signal;
export const REPOSITORY = "team/app";
export const NAME = "reg.test/team/app";

// Not compressed: what gzip makes of it is another on other machines, and vectors were made for this one.
const image = makeImage({
  layers: [tar([{ path: "f", data: "signed" }])],
  compression: "none",
});
export const SIGNED: FixtureIndex = makeIndex([
  { image, platform: { os: "linux", architecture: "amd64" } },
]);
export const MANIFEST: Digest = image.manifest.digest;
export const INDEX: Digest = SIGNED.descriptor.digest;
export const OTHER: Digest = digestOf(Buffer.from("another image"));

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY = Buffer.from("{}");

/** A registry that holds an index with one image, and whatever is put beside them. */
export interface SignedImage extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly repository: RepositoryAttachments;
  /** Puts signatures under the tag of `digest`. */
  readonly tagSignatures: (digest: Digest, layers: readonly Layer[]) => void;
  /** Puts a bundle that refers to `digest`. */
  readonly referBundle: (digest: Digest, bundle: unknown, more?: ReferOptions) => void;
}

export interface ReferOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Whom the manifest names, where that is not whose list it is in. */
  readonly subject?: Digest;
}

/** One layer of the manifest of a `.sig` tag. */
export interface Layer {
  readonly payload: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the descriptor, where that is not the payload's. */
  readonly size?: number;
}

export async function startSignedImage(options = { referrers: true }): Promise<SignedImage> {
  const registry = await startRegistry(options);
  registry.putIndex(REPOSITORY, SIGNED, "1.0");
  const http = openTestClient();
  const registries = new Registries({ client: http.client, limits: DEFAULT_LIMITS });
  return {
    registry,
    repository: registries.openAttachments({ domain: registry.host, repository: REPOSITORY }),
    tagSignatures(digest, layers) {
      const descriptors = layers.map(({ payload, annotations, size = payload.length }) => ({
        mediaType: SIMPLE,
        digest: registry.putBlob(payload),
        size,
        annotations,
      }));
      const tag = `${digest.replace(":", "-")}.sig`;
      registry.putManifest(REPOSITORY, manifestOf(descriptors), OCI_MANIFEST, tag);
    },
    referBundle(digest, bundle, { annotations = {}, subject = digest } = {}) {
      const bytes = Buffer.from(JSON.stringify(bundle));
      const layer = { mediaType: BUNDLE, digest: registry.putBlob(bytes), size: bytes.length };
      const manifest = manifestOf([layer], {
        artifactType: BUNDLE,
        annotations,
        subject: { mediaType: OCI_MANIFEST, digest: subject, size: 2 },
      });
      registry.putReferrer(REPOSITORY, digest, manifest, BUNDLE, annotations);
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

function manifestOf(layers: readonly object[], more: object = {}): Buffer {
  const config = {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: digestOf(EMPTY),
    size: 2,
  };
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...more }),
  );
}

export function payloadFor(digest: string, reference: string = NAME): Buffer {
  const identity = { "docker-reference": reference };
  const image = { "docker-manifest-digest": digest };
  const critical = { identity, image, type: "cosign container image signature" };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

export interface LayerOptions {
  readonly certificate?: string;
  readonly chain?: string;
  readonly entry?: Entry;
  readonly timestamp?: Buffer;
  readonly size?: number;
}

export function layerOf(
  payload: Uint8Array,
  signature: Uint8Array,
  more: LayerOptions = {},
): Layer {
  const { certificate, chain, entry, timestamp, size } = more;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    payload,
    annotations: {
      "dev.cosignproject.cosign/signature": base64(signature),
      ...(certificate !== undefined && { "dev.sigstore.cosign/certificate": certificate }),
      ...(chain !== undefined && { "dev.sigstore.cosign/chain": chain }),
      ...(entry !== undefined && { "dev.sigstore.cosign/bundle": logAnnotation(entry) }),
      ...(timestamp !== undefined && {
        "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({
          SignedRFC3161Timestamp: base64(timestamp),
        }),
      }),
    },
    ...(size !== undefined && { size }),
  };
}

function logAnnotation({ body, integratedTime, logIndex, logID, verification }: Entry): string {
  return JSON.stringify({
    SignedEntryTimestamp: verification.signedEntryTimestamp,
    Payload: { body, integratedTime, logIndex, logID },
  });
}

/** What the first kind of log keeps of a signature over a payload. */
export function hashedRekord(
  payload: Uint8Array,
  signature: Uint8Array,
  signerPem: string,
): object {
  return {
    kind: "hashedrekord",
    apiVersion: "0.0.1",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(payload).toString("hex") } },
      signature: {
        content: Buffer.from(signature).toString("base64"),
        publicKey: { content: Buffer.from(signerPem).toString("base64") },
      },
    },
  };
}

/** A statement that signs an image, in its envelope. */
export interface Statement {
  readonly payload: Buffer;
  readonly signature: Buffer;
}

export function signStatement(
  digest: string,
  privateKey: KeyObject,
  more: { readonly predicateType?: string; readonly name?: string; readonly hash?: string } = {},
): Statement {
  const { predicateType = "https://sigstore.dev/cosign/sign/v1", name, hash } = more;
  const payload = Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [
        { ...(name !== undefined && { name }), digest: { sha256: digest.replace("sha256:", "") } },
      ],
      predicateType,
      predicate: {},
    }),
  );
  const message = preAuthEncoding("application/vnd.in-toto+json", payload);
  return { payload, signature: signedBy(privateKey, message, hash) };
}

/** What the first kind of log keeps of an envelope. */
export function dsseEntry({ payload, signature }: Statement, signerPem: string): object {
  return {
    kind: "dsse",
    apiVersion: "0.0.1",
    spec: {
      envelopeHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
      payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
      signatures: [
        {
          signature: signature.toString("base64"),
          verifier: Buffer.from(signerPem).toString("base64"),
        },
      ],
    },
  };
}

/** What the second kind of log keeps of it. */
export function dsseEntry2({ payload, signature }: Statement, signer: Buffer): object {
  return {
    kind: "dsse",
    apiVersion: "0.0.2",
    spec: {
      dsseV002: {
        payloadHash: { algorithm: "SHA2_256", digest: sha256(payload).toString("base64") },
        signatures: [
          {
            content: signature.toString("base64"),
            verifier: {
              keyDetails: "PKIX_ECDSA_P256_SHA_256",
              x509Certificate: { rawBytes: signer.toString("base64") },
            },
          },
        ],
      },
    },
  };
}

export interface BundleOptions {
  readonly certificate?: Buffer;
  readonly keyHint?: string;
  readonly entries?: readonly Entry[];
  /** Leaves out the log's word about the time, as the second kind of log does. */
  readonly withoutPromise?: boolean;
  readonly timestamp?: Buffer;
}

export function bundleOf({ payload, signature }: Statement, options: BundleOptions): object {
  const { certificate, keyHint = "", entries = [], withoutPromise, timestamp } = options;
  return {
    mediaType: BUNDLE,
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: keyHint } }
        : { certificate: { rawBytes: certificate.toString("base64") } }),
      tlogEntries: entries.map((entry) => tlogEntry(entry, withoutPromise === true)),
      timestampVerificationData: {
        rfc3161Timestamps:
          timestamp === undefined ? [] : [{ signedTimestamp: timestamp.toString("base64") }],
      },
    },
    dsseEnvelope: {
      payloadType: "application/vnd.in-toto+json",
      payload: payload.toString("base64"),
      signatures: [{ sig: signature.toString("base64") }],
    },
  };
}

function tlogEntry(entry: Entry, withoutPromise: boolean): object {
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  const body = JSON.parse(Buffer.from(entry.body, "base64").toString()) as Record<string, string>;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") },
    kindVersion: { kind: body["kind"], version: body["apiVersion"] },
    ...(withoutPromise
      ? {}
      : {
          integratedTime: String(entry.integratedTime),
          inclusionPromise: { signedEntryTimestamp },
        }),
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes,
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  };
}
