import { resolve } from "node:path";
import { type CodedError, realPath } from "../base/index.ts";
import { CosignError, keptBeside } from "../cosign/index.ts";
import {
  digestHex,
  ImageError,
  isFilePath,
  LOCAL_URI,
  type ImageEvidence,
  type SignatureEvidence,
} from "../image/index.ts";
import { describeFile, PullError, readable } from "../pull/index.ts";
import { SifError } from "../sif/index.ts";
import type { TrustedSigner } from "../config/index.ts";
import { partsFault, type PemKey, type SignedParts } from "../signing/index.ts";
import type { StoredImage, StoreEvidence } from "../store/index.ts";
import { trustedKeys, type Judgement, type Trust, type TrustReport } from "../trust/index.ts";
import { usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { shortId } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { printable } from "./printable.ts";
import { findImageToUse, openStoreToLookInto, openStoreToRead } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";
import { openTrust, readKeyText } from "./trust-of.ts";

export interface VerifyFlags {
  readonly all?: boolean;
  readonly signed?: boolean;
  readonly pem?: readonly string[];
  readonly certificate?: string;
  readonly roots?: string;
  readonly legacyInsecure?: boolean;
  readonly group?: readonly number[];
  readonly object?: readonly number[];
  readonly json?: boolean;
}

/** What became of one image. */
interface Verified {
  /** As it was named, or its id. */
  readonly image: string;
  readonly names: readonly string[];
  readonly accepted: boolean;
  readonly judgements: readonly Judgement[];
  /** Those in its file. */
  readonly signatures: readonly SignatureEvidence[];
  /** Those that lie beside it in its registry, as they were kept. */
  readonly imageSignatures: readonly ImageEvidence[];
}

/** `siflet verify`: what is refused decides the exit code. */
export async function verifyCommand(
  images: readonly string[],
  flags: VerifyFlags,
  session: Session,
): Promise<void> {
  if (images.length === 0 && flags.all !== true) throw usageError("expected an image, or --all");
  if (images.length > 0 && flags.all === true) throw usageError("--all: expected no image besides");
  const keys = await keysOf(flags, session);
  const trust = await openTrust(await session.config(), session, {
    pem: keys,
    legacyInsecure: flags.legacyInsecure === true,
  });
  const verified: Verified[] = [];
  for await (const one of flags.all === true
    ? verifyAll(trust, flags, session)
    : verifyNamed(images, trust, flags, session)) {
    verified.push(one);
    if (flags.json !== true) await session.print(verifiedText(one));
  }
  if (flags.json === true) await session.print(`${jsonText(verified.map(verifiedJson))}\n`);
  if (verified.some(({ accepted }) => !accepted)) session.exitWith(EXIT.untrusted);
}

async function* verifyNamed(
  images: readonly string[],
  trust: Trust,
  flags: VerifyFlags,
  session: Session,
): AsyncGenerator<Verified> {
  for (const text of images) {
    if (isFilePath(text)) {
      yield await verifyFile(text, trust, flags, session);
    } else {
      await using store = await openStoreToLookInto(text, session);
      const found = await findImageToUse(store, text, session);
      yield await verifyStored(text, found.image, found.store.evidence, trust, flags, session);
    }
  }
}

async function* verifyAll(
  trust: Trust,
  flags: VerifyFlags,
  session: Session,
): AsyncGenerator<Verified> {
  await using store = await openStoreToRead(session);
  for (const image of (await store?.list()) ?? []) {
    if (store === undefined) return;
    const what = shortId(image.id);
    try {
      const verify = (): Promise<Verified> =>
        verifyStored(what, image, store.evidence, trust, flags, session);
      yield await readable(image.path, verify);
    } catch (error) {
      if (!isFaultOfImage(error)) throw error;
      yield unreadable(what, image, error);
    }
  }
}

/** What is wrong with one image says nothing of the others, which its owner must not keep from being judged. */
function isFaultOfImage(error: unknown): error is CodedError {
  if (error instanceof CosignError) return error.code === "SIGNATURE_LIMIT";
  return error instanceof SifError || error instanceof ImageError || error instanceof PullError;
}

function unreadable(
  image: string,
  { names: { tags, digests } }: StoredImage,
  { code, message: reason }: CodedError,
): Verified {
  const names = [...tags, ...digests];
  const refused = { where: "every rule", demand: "required", isAccepted: false, code } as const;
  const judgements = (names.length === 0 ? [undefined] : names).map((name): Judgement => ({
    name,
    ...refused,
    reason,
    trusted: [],
    signed: "no",
  }));
  return { image, names, accepted: false, judgements, signatures: [], imageSignatures: [] };
}

async function verifyFile(
  text: string,
  trust: Trust,
  flags: VerifyFlags,
  session: Session,
): Promise<Verified> {
  const path = resolve(session.environment.workingDirectory, text);
  // First: what is no SIF is told as that.
  await describeFile(path, session.signal);
  const names = [`${LOCAL_URI}${path}`];
  const judged = { what: text, names, from: await realPath(path), file: { path } };
  return verifiedOf(text, names, await trust.report(judged, session.signal), flags);
}

async function verifyStored(
  what: string,
  { id, names: own, origin, path, source, sideLoaded }: StoredImage,
  evidence: StoreEvidence,
  trust: Trust,
  flags: VerifyFlags,
  session: Session,
): Promise<Verified> {
  const names = [...own.tags, ...own.digests];
  const kept = await evidence.keptSignatures(id);
  const judged = {
    what,
    names,
    from: origin === "local" ? path : source.reference,
    // What a file of this host holds came from no registry that could be asked, unless a pull found it there.
    ...(kept.size === 0 && (origin === "local" || sideLoaded) ? {} : { beside: keptBeside(kept) }),
    ...(origin === "layers"
      ? {}
      : { file: { path, digests: new Map(await evidence.objectDigests(id)) } }),
  };
  return verifiedOf(what, names, await trust.report(judged, session.signal), flags);
}

function verifiedOf(
  image: string,
  names: readonly string[],
  { verification, beside, judgements }: TrustReport,
  flags: VerifyFlags,
): Verified {
  const parts = partsOf(flags);
  const fault = parts && partsFault(verification, parts);
  const judged = judgements
    .map((judgement) => (flags.signed === true ? demandSigned(judgement) : judgement))
    .map((judgement) => refusedFor(judgement, fault));
  return {
    image,
    names,
    accepted: judged.every(({ isAccepted }) => isAccepted),
    judgements: judged,
    signatures: verification.signatures,
    imageSignatures: beside,
  };
}

function demandSigned(judgement: Judgement): Judgement {
  if (judgement.signed === "valid") return judgement;
  return refusedFor(
    judgement,
    judgement.signed === "no"
      ? { code: "SIGNATURE_NONE", reason: "nobody signed its root file system" }
      : {
          code: "SIGNATURE_SIGNER_UNKNOWN",
          reason: "no key that is known signed its root file system",
        },
  );
}

/** What the policy refuses already stays as it is. */
function refusedFor(
  judgement: Judgement,
  fault: { readonly code: string; readonly reason: string } | undefined,
): Judgement {
  if (fault === undefined || !judgement.isAccepted) return judgement;
  return { ...judgement, isAccepted: false, ...fault };
}

function partsOf({ group, object }: VerifyFlags): SignedParts | undefined {
  if (group !== undefined && object !== undefined) {
    throw usageError("expected --group or --object, got both");
  }
  if (group !== undefined) return { kind: "groups", ids: group };
  return object === undefined ? undefined : { kind: "objects", ids: object };
}

/** Keys and certificates that are named, read as those that the policy names. */
async function keysOf(flags: VerifyFlags, session: Session): Promise<readonly PemKey[]> {
  const { environment } = session;
  const absolute = (text: string): string => resolve(environment.workingDirectory, text);
  const { certificate, roots } = flags;
  if ((certificate === undefined) !== (roots === undefined)) {
    throw usageError("expected --certificate and --roots together");
  }
  const signers: TrustedSigner[] = (flags.pem ?? []).map((text) => ({
    kind: "pem",
    path: absolute(text),
  }));
  if (certificate !== undefined && roots !== undefined) {
    signers.push({ kind: "certificate", path: absolute(certificate), roots: absolute(roots) });
  }
  return (await trustedKeys(signers, readKeyText, environment.now())).pem;
}

function verifiedJson({ judgements, ...rest }: Verified): unknown {
  return {
    ...rest,
    judgements: judgements.map(({ name, where, isAccepted, code, reason, trusted, signed }) => ({
      name: name ?? null,
      rule: where,
      accepted: isAccepted,
      code: code ?? null,
      reason: reason ?? null,
      trusted,
      signed,
    })),
  };
}

function verifiedText({ image, judgements, signatures, imageSignatures }: Verified): string {
  const lines = judgements.map((judgement) => `  ${judgementText(judgement)}\n`);
  const rows = signatures.map(({ object, format, verdict, signer, covers, reason, code }) => [
    `  object ${object}`,
    format,
    verdict,
    signer?.fingerprint ?? "-",
    signer?.name === undefined ? "-" : printable(signer.name),
    signer?.keySource === undefined ? "-" : printable(signer.keySource),
    coverageText(covers),
    code === undefined ? "" : printable(`${code}: ${reason ?? ""}`),
  ]);
  rows.push(...imageSignatures.map(besideRow));
  const table = rows.length === 0 ? "  no signature\n" : formatTable(rows);
  return `${printable(image)}\n${lines.join("")}${table}`;
}

function besideRow(evidence: ImageEvidence): string[] {
  const { signature, format, verdict, signer, dockerReference, code, reason } = evidence;
  const { fingerprint = "-", identity = "-", issuer, keySource = issuer ?? "-" } = signer ?? {};
  return [
    `  beside it ${shortId(digestHex(signature))}`,
    format,
    verdict,
    fingerprint,
    printable(identity),
    printable(keySource),
    dockerReference === undefined ? "the image" : `the image as ${printable(dockerReference)}`,
    code === undefined ? "" : printable(`${code}: ${reason ?? ""}`),
  ];
}

function judgementText({ name, where, demand, ...judgement }: Judgement): string {
  const { isAccepted, code, reason, signed } = judgement;
  const what = name === undefined ? "without a name" : printable(name);
  if (!isAccepted) {
    return `refused  ${what} by ${printable(where)}: ${printable(`${code ?? ""}: ${reason ?? ""}`)}`;
  }
  const found = { valid: "signed", "unknown-signer": "signed by nobody known", no: "not signed" };
  return `accepted ${what} by ${printable(where)} (${demand}): ${found[signed]}`;
}

function coverageText({ group, objects, missing, primary }: SignatureEvidence["covers"]): string {
  const where = group === undefined ? "" : `group ${group}: `;
  const rest = missing.length === 0 ? "" : ` without ${missing.join(", ")}`;
  const root = primary ? "" : ", not the root file system";
  return objects.length === 0 ? "-" : `${where}objects ${objects.join(", ")}${rest}${root}`;
}
