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

/** Bytes of a file that this process has open, from `offset` on. */
export interface FilePart {
  readonly fd: number;
  readonly offset: number;
}

/** Files by their digests: layers, configurations, finished SIFs. */
export interface BlobSource {
  /**
   * Who delivers the bytes: the host and port of a registry or a library, under which the store
   * remembers that a blob delivered a diffID. Undefined where the caller brings the bytes himself
   * (archives).
   */
  readonly origin: string | undefined;

  /**
   * Streams the bytes of `descriptor`, unchecked: wrap in `verified` before use. A chunk lasts until the
   * next one is asked for.
   *
   * @param from - the first byte that is wanted, less than the size; absent: 0
   */
  fetch(descriptor: Descriptor, signal: AbortSignal, from?: number): AsyncIterable<Uint8Array>;

  /**
   * Where the bytes of `descriptor` lie on this host as `fetch` delivers them, open until it is
   * disposed of; undefined where they do not. Absent for a source that has no files.
   */
  openPart?(descriptor: Descriptor): Promise<(FilePart & AsyncDisposable) | undefined>;

  /** Whether the caller may read this blob here and now; asks without fetching. */
  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
}

/** One place that one image can be read from: a repository of a registry, an archive, a layout. */
export interface ImageSource extends BlobSource {
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

  /** Whether the caller may read this manifest or index here and now; asks without fetching. */
  hasManifest(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
}
