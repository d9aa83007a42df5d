import type { ImageHome } from "./image-home.ts";
import { ImageError } from "./image-error.ts";
import { isAbsent, isRecord, kindOf } from "./json-value.ts";
import { MemoryHome } from "./memory-home.ts";
import { parseOciConfig, type OciConfig } from "./oci-config.ts";
import { DOCKER_URI, LOCAL_URI, Reference, type ReferenceJson } from "./reference.ts";

/** Characters of an image's id. */
export const ID_LEN = 64;

const ID = /^[0-9a-f]{64}$/;

/** How a SIF came to be: converted from layers, fetched ready-made, or lying on this host. */
export type ImageOrigin = "layers" | "sif" | "local";

/** What a list of images is narrowed to, in the shape of CRI's ImageFilter. */
export interface ImageFilter {
  readonly image?: { readonly image?: string | undefined } | null | undefined;
}

/** What an `Info` is made of. */
export interface InfoFields {
  /** SHA-256 of the SIF file: 64 lower-case hex digits. */
  readonly id: string;
  /** Bytes of the SIF file. */
  readonly size: number;
  /** The SIF file; "" for an image that is not on this host's disk. */
  readonly path: string;
  readonly ref: Reference;
  readonly ociConfig?: OciConfig | undefined;
  /** Undefined where nobody remembers: an image of docker.io read from JSON. */
  readonly origin?: ImageOrigin | undefined;
  /** Who borrowed the image when it was looked up. */
  readonly usedBy?: readonly string[] | undefined;
}

/** An `Info` in JSON, as the original writes it; borrowers are never in it. */
export interface InfoJson {
  readonly id: string;
  readonly sha256: string;
  readonly size: number;
  readonly path: string;
  readonly ref: ReferenceJson;
  readonly ociConfig?: OciConfig;
}

/**
 * One image on this host's disk: a SIF file and its names.
 *
 * @see image-api.md
 */
export class Info {
  /** SHA-256 of the SIF file: 64 lower-case hex digits. */
  readonly id: string;
  /** The same as `id`. */
  readonly sha256: string;
  /** Bytes of the SIF file. */
  readonly size: number;
  /** The SIF file; "" for an image that is not on this host's disk. */
  readonly path: string;
  readonly ref: Reference;
  readonly ociConfig?: OciConfig;
  /** How the SIF came to be; undefined where nobody remembers. */
  readonly origin: ImageOrigin | undefined;
  // `#`, for they are no part of the value: two Infos of one image are equal whoever keeps them.
  readonly #home: ImageHome;
  #usedBy: readonly string[];

  /** @param home - keeps the image and its borrowers; without one they are kept in memory */
  constructor(fields: InfoFields, home: ImageHome = new MemoryHome(fields.path)) {
    this.id = fields.id;
    this.sha256 = fields.id;
    this.size = fields.size;
    this.path = fields.path;
    this.ref = fields.ref;
    if (fields.ociConfig !== undefined) this.ociConfig = fields.ociConfig;
    this.origin = fields.origin;
    this.#home = home;
    this.#usedBy = [...(fields.usedBy ?? [])];
  }

  /**
   * Keeps the image from being removed until `return` with the same name; twice counts once.
   *
   * @throws ImageError `NOT_FOUND` when the image is gone
   */
  async borrow(who: string): Promise<void> {
    this.#usedBy = await this.#home.borrow(this.id, who);
  }

  /** Ends what `borrow` with this name began; a name that did not borrow is fine. */
  async return(who: string): Promise<void> {
    this.#usedBy = await this.#home.return(this.id, who);
  }

  /** A copy of the borrowers' names, as of the last look-up, borrow or return. */
  usedBy(): string[] {
    return [...this.#usedBy];
  }

  /**
   * True for no filter, one without an image or with an empty one; else when the id, a tag or a
   * digest begins with the filter's text as it stands.
   */
  matches(filter?: ImageFilter | null): boolean {
    const prefix = filter?.image?.image ?? "";
    const names = [this.id, ...this.ref.tags(), ...this.ref.digests()];
    return names.some((name) => name.startsWith(prefix));
  }

  /**
   * Deletes the image's file. A `local.file` image is forgotten and its file stays.
   *
   * @throws ImageError `IS_USED` while borrowed, with the borrowers as `candidates`; `NOT_FOUND` when
   *   the file is already gone
   */
  async remove(): Promise<void> {
    await this.#home.remove(this);
  }

  toJSON(): InfoJson {
    return {
      id: this.id,
      sha256: this.sha256,
      size: this.size,
      path: this.path,
      ref: this.ref.toJSON(),
      ...(this.ociConfig === undefined ? {} : { ociConfig: this.ociConfig }),
    };
  }

  /**
   * Reads what `toJSON` writes, out of `JSON.parse` or `parseStrictJson`; other members are ignored.
   *
   * @throws ImageError `INFO_INVALID` for a wrong type, an id that is not 64 lower-case hex digits or
   *   not the sha256, and a size that is no integer of 0 … 2^53 − 1
   */
  static fromJSON(value: unknown, home?: ImageHome): Info {
    if (!isRecord(value)) throw invalid("an object", kindOf(value));
    const { id, sha256, size, path } = value;
    if (typeof id !== "string" || !ID.test(id)) {
      throw invalid("id as 64 lower-case hex digits", kindOf(id));
    }
    if (sha256 !== id) throw invalid("sha256 equal to id", kindOf(sha256));
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
      const got = typeof size === "number" ? `${size}` : kindOf(size);
      throw invalid("size of 0 to 2^53 - 1 bytes", got);
    }
    if (typeof path !== "string") throw invalid("path as a string", kindOf(path));
    const ref = Reference.fromJSON(value["ref"]);
    const config = value["ociConfig"];
    const ociConfig = isAbsent(config)
      ? undefined
      : parseOciConfig(config, "image record", "INFO_INVALID");
    return new Info({ id, size, path, ref, ociConfig, origin: originOf(ref) }, home);
  }
}

/** What a reference alone tells of an image's origin: registries hold layers and SIFs. */
function originOf(ref: Reference): ImageOrigin | undefined {
  if (ref.uri() === DOCKER_URI) return undefined;
  return ref.uri() === LOCAL_URI ? "local" : "sif";
}

function invalid(expected: string, got: string): ImageError {
  return new ImageError("INFO_INVALID", `image record: expected ${expected}, got ${got}`);
}
