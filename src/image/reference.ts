import { ImageError } from "./image-error.ts";
import { isRegistryHost } from "./image-name.ts";
import { isRecord, kindOf } from "./json-value.ts";

/** Origin of images from any OCI registry, whatever its host. */
export const DOCKER_URI = "docker.io";
/** Origin of images from the default library. */
export const LIBRARY_URI = "cloud.sylabs.io";
/** Origin of SIF files that lie on this host. */
export const LOCAL_URI = "local.file";
/** What origins of images from other libraries begin with: `library://lib.example.org`. */
export const LIBRARY_SCHEME = "library://";

/** A reference in JSON; an empty list is written as null and read as null, [] or nothing. */
export interface ReferenceJson {
  readonly uri: string;
  readonly tags: string[] | null;
  readonly digests: string[] | null;
}

/**
 * The names of one image: where it comes from, and the tags and digests that it has there. Made by
 * `parseRef`, which checks text; here names are kept as they are given.
 *
 * @see image-api.md, References
 */
export class Reference {
  // Ordinary fields and not `#` ones, so that deep equality of two references compares them.
  private readonly origin: string;
  private tagList: readonly string[];
  private digestList: readonly string[];

  constructor(uri: string, tags: readonly string[] = [], digests: readonly string[] = []) {
    this.origin = uri;
    this.tagList = [...new Set(tags)];
    this.digestList = [...new Set(digests)];
  }

  /** Origin domain: `docker.io`, `cloud.sylabs.io`, `local.file`, or `library://HOST`. */
  uri(): string {
    return this.origin;
  }

  /** A copy of the tags, in the order in which they were added. */
  tags(): string[] {
    return [...this.tagList];
  }

  /** A copy of the digests, in the order in which they were added. */
  digests(): string[] {
    return [...this.digestList];
  }

  /** Adds the tags that are not there yet. */
  addTags(tags: readonly string[]): void {
    this.tagList = [...new Set([...this.tagList, ...tags])];
  }

  /** Adds the digests that are not there yet. */
  addDigests(digests: readonly string[]): void {
    this.digestList = [...new Set([...this.digestList, ...digests])];
  }

  /** Removes `tag`; one that is not there is fine. */
  removeTag(tag: string): void {
    this.tagList = this.tagList.filter((each) => each !== tag);
  }

  /** Removes `digest`; one that is not there is fine. */
  removeDigest(digest: string): void {
    this.digestList = this.digestList.filter((each) => each !== digest);
  }

  /**
   * The first tag, else the first digest, behind the origin domain (once: names of libraries and
   * local files begin with theirs); the domain alone when there is neither. Never throws.
   */
  toString(): string {
    const name = this.tagList[0] ?? this.digestList[0];
    if (name === undefined) return this.origin;
    return name.startsWith(`${this.origin}/`) ? name : `${this.origin}/${name}`;
  }

  toJSON(): ReferenceJson {
    return {
      uri: this.origin,
      tags: listOrNull(this.tagList),
      digests: listOrNull(this.digestList),
    };
  }

  /**
   * Reads what `toJSON` writes, out of `JSON.parse` or `parseStrictJson`; other members are ignored
   * and names kept unchecked.
   *
   * @throws ImageError `INFO_INVALID` for a wrong type or an unknown origin
   */
  static fromJSON(value: unknown): Reference {
    if (!isRecord(value)) throw invalid("an object", value);
    const uri = value["uri"];
    if (typeof uri !== "string" || !isOrigin(uri)) {
      const expected = `uri docker.io, cloud.sylabs.io, local.file or library://HOST`;
      const got = typeof uri === "string" ? JSON.stringify(uri.slice(0, 200)) : kindOf(uri);
      throw new ImageError("INFO_INVALID", `image reference: expected ${expected}, got ${got}`);
    }
    return new Reference(
      uri,
      readList(value["tags"], "tags"),
      readList(value["digests"], "digests"),
    );
  }
}

function isOrigin(uri: string): boolean {
  if (uri.startsWith(LIBRARY_SCHEME)) return isRegistryHost(uri.slice(LIBRARY_SCHEME.length));
  return uri === DOCKER_URI || uri === LIBRARY_URI || uri === LOCAL_URI;
}

function listOrNull(list: readonly string[]): string[] | null {
  return list.length === 0 ? null : [...list];
}

function readList(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${name} as a list of strings`, value);
  return value.map((each: unknown) => {
    if (typeof each === "string" && each !== "") return each;
    throw invalid(`${name} as a list of strings, none of them empty`, each);
  });
}

function invalid(expected: string, got: unknown): ImageError {
  return new ImageError(
    "INFO_INVALID",
    `image reference: expected ${expected}, got ${kindOf(got)}`,
  );
}
