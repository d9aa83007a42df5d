import type { Descriptor, Platform } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { isAbsent, isRecord, kindOf, stringItems, stringMembers } from "./json-value.ts";

const ANY_DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * Reads one descriptor out of `parseStrictJson`. Members that we do not use (`urls`, `data`) are
 * ignored.
 *
 * @param what - the descriptor's place, as the user knows it, for messages
 * @throws ImageError `DESCRIPTOR_INVALID` for a missing media type, a wrong type, or a size that is
 *   no integer of 0 … 2^53 − 1; `DIGEST_INVALID` for a digest other than sha256
 * @see OCI image-spec, content descriptors; registry.md §6.1
 */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const { digest, ...rest } = readFields(value, what);
  if (!isDigest(digest)) throw digestError(digest, what);
  return { ...rest, digest };
}

/**
 * Reads one entry of an index, as `parseDescriptor` does; but an entry whose digest has a well-formed
 * algorithm that we do not verify concerns others and is undefined.
 */
export function parseIndexEntry(value: unknown, what: string): Descriptor | undefined {
  const { digest, ...rest } = readFields(value, what);
  if (isDigest(digest)) return { ...rest, digest };
  if (ANY_DIGEST.test(digest) && !digest.startsWith("sha256:")) return undefined;
  throw digestError(digest, what);
}

type Fields = Omit<Descriptor, "digest"> & { readonly digest: string };

function readFields(value: unknown, what: string): Fields {
  if (!isRecord(value)) throw invalid(what, "a descriptor", value);
  const { mediaType, digest, size, annotations, artifactType } = value;
  if (typeof mediaType !== "string" || mediaType === "") {
    throw invalid(what, "a mediaType", mediaType);
  }
  if (typeof digest !== "string") throw invalid(what, "a digest", digest);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    const got = typeof size === "number" ? `${size}` : kindOf(size);
    throw new ImageError(
      "DESCRIPTOR_INVALID",
      `${what}: expected a size of 0 to 2^53 - 1 bytes, got ${got}`,
    );
  }
  const platform = isAbsent(value["platform"]) ? undefined : readPlatform(value["platform"], what);
  const texts = isAbsent(annotations) ? undefined : stringMembers(annotations);
  if (texts === undefined && !isAbsent(annotations)) {
    throw invalid(what, "annotations as an object of strings", annotations);
  }
  return {
    mediaType,
    digest,
    size,
    ...(platform === undefined ? {} : { platform }),
    ...(typeof artifactType === "string" && artifactType !== "" ? { artifactType } : {}),
    ...(texts === undefined ? {} : { annotations: texts }),
  };
}

/** Undefined for a platform of empty words, which some writers put for none. */
function readPlatform(value: unknown, what: string): Platform | undefined {
  if (!isRecord(value)) throw invalid(what, "a platform as an object", value);
  const os = readWord(value, "os", what);
  const architecture = readWord(value, "architecture", what);
  const variant = readWord(value, "variant", what);
  const features = value["os.features"];
  const osFeatures = isAbsent(features) ? [] : stringItems(features);
  if (osFeatures === undefined) throw invalid(what, "os.features as a list of strings", features);
  if (os === "" && architecture === "") return undefined;
  return {
    os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(osFeatures.length === 0 ? {} : { osFeatures }),
  };
}

function readWord(platform: Readonly<Record<string, unknown>>, name: string, what: string): string {
  const word = platform[name];
  if (isAbsent(word)) return "";
  if (typeof word === "string") return word;
  throw invalid(what, `platform.${name} as a string`, word);
}

function invalid(what: string, expected: string, got: unknown): ImageError {
  return new ImageError("DESCRIPTOR_INVALID", `${what}: expected ${expected}, got ${kindOf(got)}`);
}

function digestError(digest: string, what: string): ImageError {
  return new ImageError(
    "DIGEST_INVALID",
    `${what}: expected the digest as sha256: and 64 lower-case hex digits, got ${JSON.stringify(digest.slice(0, 200))}`,
  );
}
