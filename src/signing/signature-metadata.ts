import { ImageError, isRecord, parseStrictJson } from "../image/index.ts";
import { parseDigestText, type SignedDigest } from "./digest-text.ts";

/** One object as a signature describes it. */
export interface SignedObject {
  /** The id less the smallest one of the group. */
  readonly relativeId: number;
  readonly descriptorDigest: SignedDigest;
  readonly objectDigest: SignedDigest;
}

/** What a signature says of the file; sif.md §2.2. */
export interface SignatureMetadata {
  readonly headerDigest: SignedDigest;
  /** In the order of the text; no relative id twice. */
  readonly objects: readonly SignedObject[];
}

/** A text that is no metadata, with what is wrong with it. */
export interface MetadataProblem {
  readonly problem: string;
}

/**
 * Reads the metadata of a signature strictly: version 1, every member of its type, no name and no
 * object twice. Members that it does not know are passed over, as the reference does.
 *
 * @see sif.md §2.2
 */
export function parseSignatureMetadata(text: string): SignatureMetadata | MetadataProblem {
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(text), "signature metadata");
  } catch (error) {
    if (error instanceof ImageError) return { problem: error.message };
    throw error;
  }
  if (!isRecord(value)) return { problem: "expected an object" };
  const { version, header, objects } = value;
  if (version !== 1) return { problem: `expected version 1, got ${JSON.stringify(version)}` };
  const headerDigest = isRecord(header) ? digestIn(header["digest"]) : undefined;
  if (headerDigest === undefined) return { problem: "expected header.digest" };
  if (!Array.isArray(objects) || objects.length === 0) return { problem: "expected objects" };
  const signed = new Map<number, SignedObject>();
  for (const item of objects as readonly unknown[]) {
    const object = signedObject(item);
    if (object === undefined) return { problem: `expected an object's digests at ${signed.size}` };
    if (signed.has(object.relativeId)) return { problem: `object ${object.relativeId} twice` };
    signed.set(object.relativeId, object);
  }
  return { headerDigest, objects: [...signed.values()] };
}

function signedObject(value: unknown): SignedObject | undefined {
  if (!isRecord(value)) return undefined;
  const { relativeId } = value;
  if (typeof relativeId !== "number" || !Number.isSafeInteger(relativeId) || relativeId < 0) {
    return undefined;
  }
  const descriptorDigest = digestIn(value["descriptorDigest"]);
  const objectDigest = digestIn(value["objectDigest"]);
  if (descriptorDigest === undefined || objectDigest === undefined) return undefined;
  return { relativeId, descriptorDigest, objectDigest };
}

function digestIn(value: unknown): SignedDigest | undefined {
  return typeof value === "string" ? parseDigestText(value) : undefined;
}

/** Writes metadata as the reference does: one line, members in its order, no line break at the end. */
export function formatSignatureMetadata({ headerDigest, objects }: SignatureMetadata): string {
  return JSON.stringify({
    version: 1,
    header: { digest: formatDigest(headerDigest) },
    objects: objects.map(({ relativeId, descriptorDigest, objectDigest }) => ({
      relativeId,
      descriptorDigest: formatDigest(descriptorDigest),
      objectDigest: formatDigest(objectDigest),
    })),
  });
}

function formatDigest({ algorithm, hex }: SignedDigest): string {
  return `${algorithm}:${hex}`;
}
