import { createHash, type KeyObject } from "node:crypto";
import type { SignedEntity, TrustMaterial } from "@sigstore/verify";
import { assertNever } from "../base/index.ts";
import type { PemKey } from "../signing/index.ts";
import type { ImageSignatureFault } from "./cosign-error.ts";
import type { FoundSignature } from "./found-signature.ts";
import { isSignedBy } from "./is-signed-by.ts";

/** What the Sigstore library makes of a found signature. */
export type LibraryResult =
  | {
      readonly kind: "valid";
      /** Milliseconds since 1970: the earliest time that is proved; undefined where none is. */
      readonly signedAt: number | undefined;
    }
  | { readonly kind: "refused"; readonly code: ImageSignatureFault; readonly reason: string };

/** Who the library shall trust: all that a trusted root names, or nothing but logs. */
export type LibraryTrust =
  | { readonly kind: "root"; readonly material: TrustMaterial }
  | { readonly kind: "logs"; readonly logs: readonly PemKey[]; readonly signer: KeyObject };

type Library = typeof import("@sigstore/verify") &
  Pick<typeof import("@sigstore/bundle"), "bundleFromJSON"> &
  Pick<typeof import("@sigstore/protobuf-specs"), "TrustedRoot">;

/**
 * Loads the Sigstore library: some 30 ms, from a cold disk more, that only who checks certificates or
 * logs needs.
 *
 * @see docs/decisions/0014-sigstore.md
 */
async function loadSigstore(): Promise<Library> {
  const [verify, { bundleFromJSON }, { TrustedRoot }] = await Promise.all([
    import("@sigstore/verify"),
    import("@sigstore/bundle"),
    import("@sigstore/protobuf-specs"),
  ]);
  return { ...verify, bundleFromJSON, TrustedRoot };
}

/**
 * What the library trusts of a trusted root, out of `parseStrictJson`.
 *
 * @throws whatever the library throws for one that it cannot read
 */
export async function trustMaterialOf(root: unknown): Promise<TrustMaterial> {
  const { toTrustMaterial, TrustedRoot } = await loadSigstore();
  return toTrustMaterial(TrustedRoot.fromJSON(root), {});
}

/**
 * Has the library check what was found: entries of logs with their proofs, timestamps and, against a
 * trusted root, the certificate with its chain and the proof that a log saw it. The signature itself is
 * checked along with it, by `isSignedBy`. The library does not look at whose name the certificate has,
 * what its key may be used for, or whom an entry names.
 */
export async function checkByLibrary(
  found: FoundSignature,
  trust: LibraryTrust,
): Promise<LibraryResult> {
  const library = await loadSigstore();
  try {
    const entity = entityOf(library, found, trust);
    const verifier = new library.Verifier(materialOf(trust), thresholdsOf(trust));
    verifier.verify(entity);
    return { kind: "valid", signedAt: earliest(entity) };
  } catch (error) {
    // The library reads what strangers wrote and throws errors of many classes at it, Node's own among
    // them: whatever it is, the signature was not found good.
    const { code, reason } = faultOf(error, library);
    return { kind: "refused", code, reason };
  }
}

function entityOf(library: Library, found: FoundSignature, trust: LibraryTrust): SignedEntity {
  const bundle = library.bundleFromJSON(found.bundle);
  const entity = library.toSignedEntity(bundle, Buffer.from(found.message));
  const signature = contentOf(found);
  if (trust.kind === "root") return { ...entity, signature };
  // Of a log we have the key alone: enough for its promise, which covers the time, too.
  return {
    signature,
    key: { $case: "public-key", hint: "" },
    timestamps: entity.timestamps.filter(({ $case }) => $case === "transparency-log"),
    tlogEntries: entity.tlogEntries.map((entry) => ({ ...entry, inclusionProof: undefined })),
  };
}

function contentOf(found: FoundSignature): SignedEntity["signature"] {
  const signature = Buffer.from(found.signature);
  const isHash = (bytes: Uint8Array, digest: Buffer): boolean =>
    createHash("sha256").update(bytes).digest().equals(digest);
  return {
    signature,
    compareSignature: (other) => signature.equals(other),
    compareDigest: (digest) => isHash(found.payload, digest),
    compareSignedDigest: (digest) => isHash(found.message, digest),
    verifySignature: (key) => isSignedBy(found.message, found.signature, key),
  };
}

const ALWAYS = { start: new Date(0), end: new Date(8_640_000_000_000_000) };

function materialOf(trust: LibraryTrust): TrustMaterial {
  switch (trust.kind) {
    case "root":
      return trust.material;
    case "logs":
      return {
        certificateAuthorities: [],
        timestampAuthorities: [],
        ctlogs: [],
        tlogs: trust.logs.map(({ key }) => ({
          logID: createHash("sha256")
            .update(key.export({ format: "der", type: "spki" }))
            .digest(),
          baseURL: "",
          publicKey: key,
          validFor: ALWAYS,
        })),
        publicKey: () => ({ publicKey: trust.signer, validFor: () => true }),
      };
    default:
      return assertNever(trust);
  }
}

function thresholdsOf({ kind }: LibraryTrust): {
  tlogThreshold: number;
  ctlogThreshold: number;
  timestampThreshold: number;
} {
  return kind === "root"
    ? { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 }
    : { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 };
}

function earliest({ timestamps }: SignedEntity): number | undefined {
  const times = timestamps.flatMap((each) => {
    if (each.$case === "timestamp-authority") return [each.timestamp.signingTime.getTime()];
    const { inclusionPromise, integratedTime } = each.tlogEntry;
    return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000];
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

function faultOf(
  error: unknown,
  { VerificationError }: Library,
): { code: ImageSignatureFault; reason: string } {
  const unreadable = { code: "SIGNATURE_FORMAT", reason: "what proves it cannot be read" } as const;
  if (!(error instanceof VerificationError)) return unreadable;
  const reason = error.message;
  switch (error.code) {
    case "TLOG_ERROR":
    case "TLOG_BODY_ERROR":
    case "TLOG_INCLUSION_PROMISE_ERROR":
    case "TLOG_INCLUSION_PROOF_ERROR":
    case "TLOG_MISSING_INCLUSION_ERROR":
      return { code: "SIGNATURE_LOG", reason };
    case "TIMESTAMP_ERROR":
      return { code: "SIGNATURE_TIME", reason };
    case "CERTIFICATE_ERROR":
      return { code: "SIGNATURE_CERTIFICATE", reason };
    case "SIGNATURE_ERROR":
    case "PUBLIC_KEY_ERROR":
      return { code: "SIGNATURE_INVALID", reason };
    case "NOT_IMPLEMENTED_ERROR":
      return unreadable;
  }
}
