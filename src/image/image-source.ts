import type { Descriptor } from "./descriptor.ts";

/** A manifest or index, checked against its descriptor. */
export interface Document {
  readonly bytes: Uint8Array;
  /**
   * As its source labelled it, lower case, without parameters; `application/octet-stream` where it
   * did not, as HTTP has it (RFC 9110 §8.3): look at the bytes.
   */
  readonly mediaType: string;
}

/** One place that one image can be read from: a repository of a registry, an archive, a layout. */
export interface ImageSource {
  /**
   * Who delivers the bytes: the registry's host and port, under which the store remembers that a
   * blob delivered a diffID. Undefined where the caller brings the bytes himself (archives).
   */
  readonly origin: string | undefined;

  /**
   * Looks up what the name that this source was opened for means now; a tag may mean something
   * else next time.
   *
   * @throws ImageError `NOT_FOUND` when the source has no such image
   */
  resolve(signal: AbortSignal): Promise<Descriptor>;

  /**
   * Reads a manifest or index whole and checks its size and digest.
   *
   * @throws LimitError `LIMIT_MANIFEST_BYTES`, before anything is asked where the descriptor says so
   * @throws ContentError `CONTENT_SIZE_MISMATCH`, `CONTENT_DIGEST_MISMATCH`
   */
  fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document>;

  /**
   * Streams the bytes of `descriptor`, unchecked: wrap in `verified` before use.
   *
   * @param from - the first byte that is wanted, less than the size; absent: 0
   */
  fetch(descriptor: Descriptor, signal: AbortSignal, from?: number): AsyncIterable<Uint8Array>;

  /** Whether the caller may read this blob here and now; asks without fetching. */
  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;

  /** Whether the caller may read this manifest or index here and now; asks without fetching. */
  hasManifest(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
}
