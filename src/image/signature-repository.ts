import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { Document } from "./image-source.ts";

/** The repository that an image lies in, as far as its signatures are concerned. */
export interface SignatureRepository {
  /** The manifest that `tag` names; undefined where there is none. */
  tagged(tag: string, signal: AbortSignal): Promise<Document | undefined>;
  /** The manifests of `artifactType` that name `digest` as their subject. */
  referrers(
    digest: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]>;
  /** Reads a manifest whole, checked against `descriptor`. */
  fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document>;
  /** Streams the bytes of a blob, unchecked. */
  fetch(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The digests of an image: of the index that it was chosen from, if any, and of its manifest. */
export interface ImageDigests {
  readonly index?: Digest;
  readonly manifest: Digest;
}

/** An image of a registry, and where signatures of it lie. */
export interface SignedImage {
  readonly digests: ImageDigests;
  readonly repository: SignatureRepository;
}
