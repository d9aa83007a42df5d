import { joinBytes, limitError, type Limits } from "../base/index.ts";
import {
  ContentError,
  verified,
  type Descriptor,
  type Document,
  type FilePart,
  type ImageSource,
} from "../image/index.ts";
import { archiveInvalid } from "./archive-error.ts";
import { readFrom, type ArchiveFile } from "./archive-files.ts";

/** Where the blobs of one image are. */
export interface ArchiveBlobs {
  /** Opens the blob; undefined where it is not there. Its size and bytes are the caller's to check. */
  open(descriptor: Descriptor): Promise<ArchiveFile | undefined>;
}

/** One image in a layout or an archive; it must stay open for as long as this is used. */
export class ArchiveSource implements ImageSource {
  /** Whoever brings an archive brings the bytes. */
  readonly origin: undefined;
  readonly #root: Descriptor;
  readonly #blobs: ArchiveBlobs;
  readonly #limits: Limits;
  readonly #what: string;

  /**
   * @param root - a manifest, or an index, among the blobs
   * @param options.what - the image, for messages
   */
  constructor(
    root: Descriptor,
    blobs: ArchiveBlobs,
    { limits, what }: { readonly limits: Limits; readonly what: string },
  ) {
    this.#root = root;
    this.#blobs = blobs;
    this.#limits = limits;
    this.#what = what;
  }

  resolve(): Promise<Descriptor> {
    return Promise.resolve(this.#root);
  }

  async fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    const what = this.#called(descriptor);
    const { size, mediaType } = descriptor;
    if (size > this.#limits.manifestBytes) {
      throw limitError(this.#limits, "manifestBytes", what, size);
    }
    const bytes = await joinBytes(verified(this.fetch(descriptor, signal), descriptor, what));
    return { bytes, mediaType: mediaType.toLowerCase() };
  }

  async *fetch(descriptor: Descriptor, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
    const what = this.#called(descriptor);
    await using file = await this.#blobs.open(descriptor);
    if (file === undefined) throw archiveInvalid(what, "it among the blobs, got none");
    if (file.size !== descriptor.size) {
      const message = `${what}: expected ${descriptor.size} bytes, got a file of ${file.size}`;
      throw new ContentError("CONTENT_SIZE_MISMATCH", message);
    }
    yield* readFrom(file, from, signal);
  }

  async openPart(descriptor: Descriptor): Promise<(FilePart & AsyncDisposable) | undefined> {
    await using opening = new AsyncDisposableStack();
    const file = await this.#blobs.open(descriptor);
    if (file === undefined) return undefined;
    opening.use(file);
    if (file.part === undefined || file.size !== descriptor.size) return undefined;
    const opened = opening.move();
    return { ...file.part, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    await using file = await this.#blobs.open(descriptor);
    return file?.size === descriptor.size;
  }

  hasManifest(descriptor: Descriptor): Promise<boolean> {
    return this.has(descriptor);
  }

  #called({ digest }: Descriptor): string {
    return `${digest} of ${this.#what}`;
  }
}
