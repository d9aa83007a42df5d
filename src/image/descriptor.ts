import type { Digest } from "./digest.ts";

/** os, architecture and variant in Go's words, as an index or a user names them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Absent and "" mean the same: none. */
  readonly variant?: string;
  /** What the image asks of the host besides (`os.features`); absent and [] mean the same: nothing. */
  readonly osFeatures?: readonly string[];
}

/**
 * What a manifest says of some bytes: their kind, hash and number.
 *
 * @see OCI image-spec, content descriptors
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes, 0 … 2^53 − 1. */
  readonly size: number;
  readonly platform?: Platform;
  /** What an entry of an index is, where that is no image. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
