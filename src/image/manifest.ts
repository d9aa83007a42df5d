import { limitError, type Limits } from "../base/index.ts";
import type { Descriptor } from "./descriptor.ts";
import { ImageError } from "./image-error.ts";
import { isAbsent, isRecord, kindOf, stringMembers } from "./json-value.ts";
import { isIndexType, isManifestType, isSchema1Type, MEDIA_TYPES } from "./media-type.ts";
import { parseDescriptor, parseIndexEntry } from "./parse-descriptor.ts";
import { SIF_CONFIG, sifFileOf } from "./sif-artifact.ts";
import { parseStrictJson } from "./strict-json.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** One image, or one artifact: its configuration and its layers, the lowest first. */
export interface Manifest {
  readonly kind: "manifest";
  /** What the document is read as, also where it does not say so itself. */
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Manifests (or indexes) of several platforms, in the index's order. */
export interface ManifestIndex {
  readonly kind: "index";
  /** What the document is read as, also where it does not say so itself. */
  readonly mediaType: string;
  /** Entries of unknown media types are here; those of unknown digest algorithms are not. */
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export type ManifestDocument = Manifest | ManifestIndex;

/** Labels that servers and stores give to any bytes: they say nothing about these. */
const NO_LABELS: readonly string[] = [
  "",
  "application/json",
  "text/plain",
  "application/octet-stream",
  "binary/octet-stream",
];

/**
 * Reads a manifest or an index of either family, after its bytes were checked against their digest.
 *
 * @param contentType - the label that came with the bytes: an HTTP header or a descriptor's mediaType
 * @param what - the document, as the user knows it, for messages
 * @throws ImageError `MANIFEST_SCHEMA1` for Docker's schema 1 under any label; `MANIFEST_UNSUPPORTED`
 *   for another media type; `MANIFEST_INVALID` for no strict JSON, a label that the document
 *   contradicts, members of both kinds, a missing member or a wrong type; `DESCRIPTOR_INVALID`,
 *   `DIGEST_INVALID` for a descriptor in it
 * @throws LimitError `LIMIT_LAYERS`
 * @see registry.md §6.1; OCI image-spec, image manifest and image index
 */
export function parseManifestDocument(
  bytes: Uint8Array,
  contentType: string | undefined,
  what: string,
  limits: Limits,
): ManifestDocument {
  const label = labelOf(contentType, what);
  const document = parseStrictJson(bytes, what, "MANIFEST_INVALID");
  if (!isRecord(document)) throw wrongType(what, "a manifest", document);
  const mediaType = decideType(document, label, what);
  return isIndexType(mediaType)
    ? readIndex(document, mediaType, what)
    : readManifest(document, mediaType, what, limits);
}

/** The media type that `contentType` names, or undefined where it says nothing. */
function labelOf(contentType: string | undefined, what: string): string | undefined {
  const label = (contentType ?? "")
    .replace(/;[^]*$/, "")
    .trim()
    .toLowerCase();
  if (NO_LABELS.includes(label)) return undefined;
  return knownType(label, what);
}

function knownType(mediaType: string, what: string): string {
  if (isManifestType(mediaType) || isIndexType(mediaType)) return mediaType;
  if (isSchema1Type(mediaType)) throw schema1(what);
  throw new ImageError(
    "MANIFEST_UNSUPPORTED",
    `${what}: expected an image manifest or index, got ${JSON.stringify(mediaType.slice(0, 200))}`,
  );
}

/**
 * The type to read `document` as. Header and document must agree, and its members must fit one kind
 * alone: else two readers could take the same digest for two images (CVE-2021-41190).
 */
function decideType(document: JsonObject, label: string | undefined, what: string): string {
  if (document["schemaVersion"] === 1) throw schema1(what);
  const own = optionalText(document, "mediaType", what);
  const type = own === undefined ? label : knownType(own, what);
  if (label !== undefined && type !== label) {
    throw invalid(what, `mediaType ${label}, as it is labelled, got ${type ?? "none"}`);
  }
  if (document["schemaVersion"] !== 2)
    throw wrongType(what, "schemaVersion 2", document["schemaVersion"]);
  const asIndex = !isAbsent(document["manifests"]);
  const asManifest = !isAbsent(document["config"]) || !isAbsent(document["layers"]);
  if ((asIndex && asManifest) || !isAbsent(document["fsLayers"])) {
    throw invalid(what, "a manifest or an index, got one with members of several kinds");
  }
  if (type !== undefined) return type;
  if (!asIndex && !asManifest) throw invalid(what, "manifests, or config and layers, got neither");
  return asIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
}

function readManifest(
  document: JsonObject,
  mediaType: string,
  what: string,
  limits: Limits,
): Manifest {
  const items = listOf(document, "layers", what);
  if (items.length > limits.layers) {
    throw limitError(limits, "layers", `${what}: layers`, items.length);
  }
  const layers = items.map((item, n) => parseDescriptor(item, `${what}: layer ${n + 1}`));
  // Of a SIF artifact nobody reads it, and some servers leave out its digest and size.
  const config =
    sifFileOf(layers) === undefined
      ? parseDescriptor(document["config"], `${what}: config`)
      : SIF_CONFIG;
  const artifactType = optionalText(document, "artifactType", what);
  const subject = document["subject"];
  return {
    kind: "manifest",
    mediaType,
    config,
    layers,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(isAbsent(subject) ? {} : { subject: parseDescriptor(subject, `${what}: subject`) }),
    ...annotationsOf(document, what),
  };
}

function readIndex(document: JsonObject, mediaType: string, what: string): ManifestIndex {
  const manifests: Descriptor[] = [];
  for (const [n, item] of listOf(document, "manifests", what).entries()) {
    const entry = parseIndexEntry(item, `${what}: entry ${n + 1}`);
    if (entry !== undefined) manifests.push(entry);
  }
  return { kind: "index", mediaType, manifests, ...annotationsOf(document, what) };
}

/** A list that must be there; Go's writers put null for an empty one. */
function listOf(document: JsonObject, name: string, what: string): readonly unknown[] {
  const list = document[name];
  if (list === null) return [];
  if (Array.isArray(list)) return list;
  throw wrongType(what, `${name} as a list`, list);
}

function optionalText(document: JsonObject, name: string, what: string): string | undefined {
  const text = document[name];
  if (isAbsent(text) || text === "") return undefined;
  if (typeof text === "string") return text;
  throw wrongType(what, `${name} as a string`, text);
}

function annotationsOf(document: JsonObject, what: string): Pick<Manifest, "annotations"> {
  const value = document["annotations"];
  if (isAbsent(value)) return {};
  const annotations = stringMembers(value);
  if (annotations === undefined) {
    throw wrongType(what, "annotations as an object of strings", value);
  }
  return { annotations };
}

function schema1(what: string): ImageError {
  return new ImageError(
    "MANIFEST_SCHEMA1",
    `${what}: expected an OCI manifest or Docker schema 2, got Docker schema 1, which nobody writes any more; push the image again with a current tool`,
  );
}

function wrongType(what: string, expected: string, got: unknown): ImageError {
  const came = typeof got === "number" ? `${got}` : kindOf(got);
  return invalid(what, `${expected}, got ${came}`);
}

function invalid(what: string, expected: string): ImageError {
  return new ImageError("MANIFEST_INVALID", `${what}: expected ${expected}`);
}
