import type { ByteSource } from "../base/index.ts";
import type { SifCoverage, SignatureEvidence, Signer } from "../image/index.ts";
import { readObject, readSif, type SifDescriptor, type SifHeader } from "../sif/index.ts";
import { checkCoverage, type Group } from "./check-coverage.ts";
import {
  checkClearSigned,
  CLEAR_SIGNED,
  namesWeakHash,
  WEAK_HASH,
  readClearSigned,
  type SignerResult,
} from "./clear-signed.ts";
import { checkEnvelope, parseEnvelope, SIF_PAYLOAD_TYPE } from "./dsse.ts";
import { fileObjects, type FileObjects } from "./file-objects.ts";
import { checkLegacy, LEGACY_TEXT } from "./legacy.ts";
import { ObjectDigests, type KnownDigests } from "./object-digests.ts";
import type { OpenPgpKeys } from "./openpgp-key.ts";
import type { PemKey } from "./pem-key.ts";
import { signatureRecordOf } from "./signature-object.ts";
import { parseSignatureMetadata } from "./signature-metadata.ts";
import type { SignatureFault } from "./signing-error.ts";

/** The metadata of a full table of objects, in base64, with room for signatures. */
const MAX_SIGNATURE_BYTES = 8 * 1024 * 1024;

/** What signatures are checked with. */
export interface VerificationKeys {
  /** Asked in this order. */
  readonly openPgp: readonly OpenPgpKeys[];
  readonly pem: readonly PemKey[];
}

export interface VerifyOptions {
  /**
   * Whether signatures of before 3.6 count. They cover neither the header nor the records, so that a file
   * can be made to mean something else (CVE-2020-13847).
   */
  readonly legacyInsecure?: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Digests of the file's objects that are known; those that are made are added. */
  readonly digests?: KnownDigests;
}

/** What the signatures of a SIF file prove. */
export interface SifVerification {
  /** In order of the objects that hold them. */
  readonly signatures: readonly SignatureEvidence[];
  /** Ids of the objects of each group, signatures left out. */
  readonly groups: ReadonlyMap<number, readonly number[]>;
  /** Ids of objects that no signature can cover: they are in no group. */
  readonly ungrouped: readonly number[];
  /** Id of the partition that holds the root file system. */
  readonly primary: number | undefined;
}

/**
 * Checks every signature of a SIF file. What it finds is evidence: whether that is enough a policy
 * decides.
 *
 * @throws SifError for a file that is no sound SIF
 * @see sif.md §2
 */
export async function verifySif(
  file: ByteSource,
  keys: VerificationKeys,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<SifVerification> {
  const metadata = await readSif(file, signal);
  const objects = fileObjects(metadata);
  const check = new Check(file, metadata.header, objects, keys, options, signal);
  const signatures: SignatureEvidence[] = [];
  for (const object of objects.signatures) signatures.push(await check.evidence(object));
  return {
    signatures,
    groups: new Map([...objects.groups].map(([id, all]) => [id, all.map((one) => one.id)])),
    ungrouped: objects.ungrouped.map(({ id }) => id),
    primary: objects.primary,
  };
}

class Check {
  readonly #file: ByteSource;
  readonly #header: SifHeader;
  readonly #objects: FileObjects;
  readonly #keys: VerificationKeys;
  readonly #options: VerifyOptions;
  readonly #digests: ObjectDigests;
  readonly #signal: AbortSignal;

  constructor(
    file: ByteSource,
    header: SifHeader,
    objects: FileObjects,
    keys: VerificationKeys,
    options: VerifyOptions,
    signal: AbortSignal,
  ) {
    this.#file = file;
    this.#header = header;
    this.#objects = objects;
    this.#keys = keys;
    this.#options = options;
    this.#digests = new ObjectDigests(file, options.digests);
    this.#signal = signal;
  }

  async evidence(signature: SifDescriptor): Promise<SignatureEvidence> {
    if (signature.size > MAX_SIGNATURE_BYTES) {
      return this.#broken(signature, "unknown", "SIGNATURE_FORMAT", "it is too large for one");
    }
    const bytes = await readObject(this.#file, signature, MAX_SIGNATURE_BYTES, this.#signal);
    if (!signatureRecordOf(signature).hasKnownHash) {
      return this.#broken(signature, "unknown", "SIGNATURE_HASH", "its record names no known hash");
    }
    const envelope = parseEnvelope(bytes);
    if (envelope?.payloadType === SIF_PAYLOAD_TYPE) {
      const signer = this.#checkEnvelope(envelope);
      return await this.#judge(signature, "dsse", Buffer.from(envelope.payload).toString(), signer);
    }
    const text = Buffer.from(bytes).toString();
    const clear = text.startsWith(CLEAR_SIGNED) ? await readClearSigned(text) : undefined;
    if (clear === undefined && namesWeakHash(text)) {
      return this.#broken(signature, "openpgp", "SIGNATURE_WEAK_HASH", WEAK_HASH);
    }
    if (clear === undefined) {
      const reason = "it is neither clear-signed text nor an envelope of a SIF's metadata";
      return this.#broken(signature, "unknown", "SIGNATURE_FORMAT", reason);
    }
    const { fingerprint } = signatureRecordOf(signature);
    const { openPgp } = this.#keys;
    const { now } = this.#options;
    const check = async (): Promise<SignerResult> =>
      await checkClearSigned(clear, openPgp, fingerprint, now, this.#signal);
    if (!clear.text.startsWith(LEGACY_TEXT)) {
      return await this.#judge(signature, "openpgp", clear.text, await check());
    }
    if (this.#options.legacyInsecure !== true) {
      const reason = "it is of before version 3.6, and does not cover what the file says of itself";
      const found = { verdict: "ignored", code: "SIGNATURE_LEGACY", reason } as const;
      return { ...this.#about(signature, "legacy"), ...found };
    }
    return await this.#judgeLegacy(signature, clear.text, await check());
  }

  #checkEnvelope(envelope: NonNullable<ReturnType<typeof parseEnvelope>>): SignerResult {
    const { pem } = this.#keys;
    const result = checkEnvelope(envelope, pem);
    switch (result.kind) {
      case "valid":
        return { verdict: "valid", signer: signerOf(result.by) };
      case "invalid":
        return {
          verdict: "broken",
          code: "SIGNATURE_INVALID",
          reason: "it is not by the key that it names",
          signer: signerOf(result.by),
        };
      case "unknown-signer": {
        const [fingerprint] = result.keyIds;
        const who = fingerprint === undefined ? {} : { signer: { fingerprint } };
        const verdict = "unknown-signer";
        return pem.length === 0
          ? { verdict, code: "SIGNATURE_KEY_KIND", reason: "there is no key in PEM at all", ...who }
          : {
              verdict,
              code: "SIGNATURE_SIGNER_UNKNOWN",
              reason: "it is by no key of ours",
              ...who,
            };
      }
    }
  }

  /** Joins who signed with what is signed; the reference looks at them in this order. */
  async #judge(
    signature: SifDescriptor,
    format: "openpgp" | "dsse",
    text: string,
    signer: SignerResult,
  ): Promise<SignatureEvidence> {
    const about = this.#about(signature, format);
    if (signer.verdict === "broken") return { ...about, ...signer };
    const refuse = (code: SignatureFault, reason: string): SignatureEvidence => ({
      ...about,
      ...signer,
      verdict: "broken",
      code,
      reason,
    });
    const metadata = parseSignatureMetadata(text);
    if ("problem" in metadata) return refuse("SIGNATURE_METADATA", metadata.problem);
    const group = this.#groupOf(signature);
    if (group === undefined) {
      return refuse("SIGNATURE_OBJECT_ABSENT", "what it is for is not in the file");
    }
    const { covers, fault } = await checkCoverage(
      metadata,
      group,
      this.#header,
      this.#objects.primary,
      this.#digests,
      this.#signal,
    );
    if (fault !== undefined) return { ...refuse(fault.code, fault.reason), covers };
    if (covers.missing.length > 0 && signer.verdict === "valid") {
      // Whoever signed did not see the rest, which may have been put there since.
      const code: SignatureFault = "SIGNATURE_OBJECT_UNSIGNED";
      const reason = `it does not cover ${named(covers.missing)} of the same group`;
      return { ...about, ...signer, verdict: "unknown-signer", code, reason, covers };
    }
    return { ...about, ...signer, covers };
  }

  async #judgeLegacy(
    signature: SifDescriptor,
    text: string,
    signer: SignerResult,
  ): Promise<SignatureEvidence> {
    const about = this.#about(signature, "legacy");
    if (signer.verdict === "broken") return { ...about, ...signer };
    const { covers, fault } = await checkLegacy(
      signature,
      text,
      this.#objects,
      this.#digests,
      this.#signal,
    );
    if (fault === undefined) return { ...about, ...signer, covers };
    return { ...about, ...signer, verdict: "broken", ...fault, covers };
  }

  #broken(
    signature: SifDescriptor,
    format: SignatureEvidence["format"],
    code: SignatureFault,
    reason: string,
  ): SignatureEvidence {
    return { ...this.#about(signature, format), verdict: "broken", code, reason };
  }

  #about(
    { id, link }: SifDescriptor,
    format: SignatureEvidence["format"],
  ): Pick<SignatureEvidence, "format" | "object" | "covers"> {
    const covers: SifCoverage = {
      ...(link?.kind === "group" && { group: link.id }),
      objects: [],
      missing: [],
      primary: false,
    };
    return { format, object: id, covers };
  }

  #groupOf({ link }: SifDescriptor): Group | undefined {
    if (link?.kind !== "group") return undefined;
    const objects = this.#objects.groups.get(link.id);
    return objects === undefined ? undefined : { id: link.id, objects };
  }
}

function signerOf({ fingerprint, subject, source }: PemKey): Signer {
  return { fingerprint, ...(subject !== undefined && { name: subject }), keySource: source };
}

function named(ids: readonly number[]): string {
  const some = ids.slice(0, 10).join(", ");
  const more = ids.length > 10 ? ` and ${ids.length - 10} more` : "";
  return `${ids.length === 1 ? "object" : "objects"} ${some}${more}`;
}
