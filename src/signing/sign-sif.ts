import type { KeyObject } from "node:crypto";
import { createPublicKey } from "node:crypto";
import type { ByteSource } from "../base/index.ts";
import {
  DATA_TYPES,
  planAddition,
  readSif,
  signedDescriptorBytes,
  signedHeaderBytes,
  type AddedObject,
  type SifAddition,
  type SifDescriptor,
  type SifHeader,
} from "../sif/index.ts";
import { hashFor } from "./digest-text.ts";
import { signEnvelope, SIF_PAYLOAD_TYPE } from "./dsse.ts";
import { fileObjects } from "./file-objects.ts";
import { ObjectDigests } from "./object-digests.ts";
import type { Certificate } from "./openpgp-key.ts";
import { librarySecretKey, loadOpenPgp } from "./openpgp-library.ts";
import { signatureExtra, type SIGNATURE_HASHES } from "./signature-object.ts";
import { formatSignatureMetadata, type SignatureMetadata } from "./signature-metadata.ts";
import { SigningError } from "./signing-error.ts";

/** What signs: an OpenPGP key without its passphrase, or private keys of other kinds, all in one signature. */
export type SifSigner =
  | { readonly kind: "openpgp"; readonly key: Certificate }
  | { readonly kind: "pem"; readonly keys: readonly KeyObject[] };

/** What is signed; absent: every group of the file, each by a signature of its own. */
export type SignedParts =
  | { readonly kind: "groups"; readonly ids: readonly number[] }
  | { readonly kind: "objects"; readonly ids: readonly number[] };

/** Digests inside of signatures; what the reference writes. */
const ALGORITHM = "sha256";

/**
 * Signs a SIF file.
 *
 * @param now - milliseconds since 1970; an OpenPGP signature tells it, and the file's records do unless it
 *   is deterministic
 * @returns what has to be written into the file, or a copy of it
 * @throws SigningError `SIGNATURE_NO_GROUPS`, `SIGNATURE_NO_GROUP`, `SIGNATURE_NO_OBJECT`,
 *   `SIGNATURE_UNGROUPED` (nobody can sign an object without a group), `KEY_UNUSABLE`
 * @throws SifError for a file that is no sound SIF, or has no slot left
 * @see sif.md §2.1 to §2.4
 */
export async function signSif(
  file: ByteSource,
  signer: SifSigner,
  parts: SignedParts | undefined,
  now: number,
  signal: AbortSignal,
): Promise<SifAddition> {
  const metadata = await readSif(file, signal);
  const objects = fileObjects(metadata);
  const [stray] = objects.ungrouped;
  if (stray !== undefined) {
    throw new SigningError("SIGNATURE_UNGROUPED", `object ${stray.id} is in no group`);
  }
  if (objects.groups.size === 0) {
    throw new SigningError("SIGNATURE_NO_GROUPS", "the file has no group of objects");
  }
  const digests = new ObjectDigests(file);
  const added: AddedObject[] = [];
  for (const { group, chosen } of partsOf(objects.groups, parts)) {
    const described = await describe(metadata.header, group.objects, chosen, digests, signal);
    const { text, extra } = await makeSignature(formatSignatureMetadata(described), signer, now);
    const link = { kind: "group", id: group.id } as const;
    const record = { dataType: DATA_TYPES.signature, groupId: undefined, link, name: "", extra };
    added.push({ record, bytes: Buffer.from(text) });
  }
  return planAddition(metadata, added, BigInt(Math.floor(now / 1000)));
}

interface SignedPart {
  readonly group: { readonly id: number; readonly objects: readonly SifDescriptor[] };
  /** Of the objects of the group. */
  readonly chosen: readonly SifDescriptor[];
}

function partsOf(
  groups: ReadonlyMap<number, readonly SifDescriptor[]>,
  parts: SignedParts | undefined,
): readonly SignedPart[] {
  const all = [...groups].map(([id, objects]) => ({ group: { id, objects }, chosen: objects }));
  if (parts === undefined) return all;
  if (parts.kind === "groups") {
    return parts.ids.map((id) => {
      const found = all.find(({ group }) => group.id === id);
      if (found !== undefined) return found;
      throw new SigningError("SIGNATURE_NO_GROUP", `the file has no group ${id}`);
    });
  }
  const known = new Set([...groups.values()].flat().map(({ id }) => id));
  for (const id of parts.ids) {
    if (!known.has(id)) {
      throw new SigningError("SIGNATURE_NO_OBJECT", `the file has no object ${id} to be signed`);
    }
  }
  return all
    .map(({ group, chosen }) => ({
      group,
      chosen: chosen.filter(({ id }) => parts.ids.includes(id)),
    }))
    .filter(({ chosen }) => chosen.length > 0);
}

async function describe(
  header: SifHeader,
  group: readonly SifDescriptor[],
  chosen: readonly SifDescriptor[],
  digests: ObjectDigests,
  signal: AbortSignal,
): Promise<SignatureMetadata> {
  const first = group[0]?.id ?? 0;
  const objects = [];
  for (const object of chosen) {
    const relativeId = object.id - first;
    objects.push({
      relativeId,
      descriptorDigest: digestOf(signedDescriptorBytes(object, relativeId)),
      objectDigest: {
        algorithm: ALGORITHM,
        hex: await digests.of(object, ALGORITHM, signal),
      },
    });
  }
  return { headerDigest: digestOf(signedHeaderBytes(header)), objects };
}

function digestOf(bytes: Uint8Array): { readonly algorithm: string; readonly hex: string } {
  return { algorithm: ALGORITHM, hex: hashFor(ALGORITHM).update(bytes).digest("hex") };
}

async function makeSignature(
  text: string,
  signer: SifSigner,
  now: number,
): Promise<{ readonly text: string; readonly extra: Uint8Array }> {
  if (signer.kind === "openpgp") return await clearSign(text, signer.key, now);
  const keys = signer.keys.map((privateKey) => ({
    privateKey,
    publicKey: createPublicKey(privateKey),
  }));
  return {
    text: signEnvelope(SIF_PAYLOAD_TYPE, Buffer.from(text), keys),
    extra: signatureExtra("sha256", ""),
  };
}

/** Signs by the primary key, for the record can name no other. */
async function clearSign(
  text: string,
  key: Certificate,
  now: number,
): Promise<{ readonly text: string; readonly extra: Uint8Array }> {
  const { createCleartextMessage, enums, sign } = await loadOpenPgp();
  const fingerprint = key.getFingerprint();
  // The record has room for the fingerprint of a key of version 4 alone.
  if (fingerprint.length !== 40) {
    throw new SigningError("KEY_UNUSABLE", `key ${fingerprint}: expected one of OpenPGP version 4`);
  }
  const secret = librarySecretKey(key);
  let signed: string;
  try {
    signed = await sign({
      message: await createCleartextMessage({ text }),
      signingKeys: secret,
      signingKeyIDs: secret.getKeyID(),
      date: new Date(now),
      config: {
        // The same file, key and time give the same signature, where the algorithm allows it.
        nonDeterministicSignaturesViaNotation: false,
        preferredHashAlgorithm: enums.hash.sha256,
        showComment: false,
        showVersion: false,
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SigningError("KEY_UNUSABLE", `key ${fingerprint}: cannot sign: ${reason}`, { cause });
  }
  const hash = /^Hash: SHA(256|384|512)\r?$/m.exec(signed)?.[1] ?? "256";
  return {
    text: signed.replaceAll("\r\n", "\n").trimEnd(),
    extra: signatureExtra(`sha${hash}` as keyof typeof SIGNATURE_HASHES, fingerprint),
  };
}
