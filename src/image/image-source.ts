import type { Descriptor } from "./descriptor.ts";

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

  /** Streams the bytes of `descriptor`, unchecked: wrap in `verified` before use. */
  fetch(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /** Whether the caller may read this blob here and now; asks without fetching. */
  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
}
