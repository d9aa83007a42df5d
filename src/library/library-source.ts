import { CodedError, type Limits } from "../base/index.ts";
import {
  ContentError,
  type BlobSource,
  type Descriptor,
  type ImageSource,
} from "../image/index.ts";
import type { Transfers } from "../transfer/index.ts";
import type { ImageFile } from "./image-file.ts";
import { findSif, type FoundRegistry } from "./oci-redirect.ts";

export interface LibrarySourceOptions {
  /** Host of the library, as its images are called. */
  readonly origin: string;
  /** The image, as messages name it. */
  readonly what: string;
  /** What the library promised. */
  readonly file: Descriptor;
  readonly architecture: string;
  readonly imageFile: ImageFile;
  readonly limits: Limits;
  readonly transfers: Transfers;
  /** Opens the image in the registry behind the library; undefined where there is none. */
  readonly openRegistry: (signal: AbortSignal) => Promise<FoundRegistry | undefined>;
}

/** Where the file comes from. */
type Way =
  | { readonly kind: "registry"; readonly source: ImageSource; readonly file: Descriptor }
  | { readonly kind: "library" };

/** The file of one image of a library, after the library said what it is. */
export class LibrarySource implements BlobSource {
  readonly origin: string;
  readonly #options: LibrarySourceOptions;
  #way: Way | undefined;

  constructor(options: LibrarySourceOptions) {
    this.origin = options.origin;
    this.#options = options;
  }

  /** That the library told this caller what the image is, was the permission. */
  has({ digest }: Descriptor): Promise<boolean> {
    return Promise.resolve(digest === this.#options.file.digest);
  }

  async *fetch({ size }: Descriptor, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
    this.#way ??= await this.#findWay(signal);
    if (this.#way.kind === "registry") {
      yield* this.#fetchFromRegistry(this.#way, signal, from);
      return;
    }
    const { imageFile, transfers } = this.#options;
    const span = { from, to: size };
    yield* transfers.read(
      this.origin,
      span,
      (part, stop) => imageFile.open(part, size, stop),
      signal,
    );
  }

  /** Once the registry does not know the library's token any more, the library gives another one. */
  async *#fetchFromRegistry(
    way: Way & { kind: "registry" },
    signal: AbortSignal,
    from: number,
  ): AsyncIterable<Uint8Array> {
    let { source } = way;
    let at = from;
    for (;;) {
      const since = at;
      try {
        for await (const chunk of source.fetch(way.file, signal, at)) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        const isRefused = error instanceof CodedError && error.code === "REGISTRY_UNAUTHORIZED";
        if (!isRefused || at === since) throw error;
      }
      const renewed = await this.#options.openRegistry(signal);
      if (renewed !== undefined) source = renewed.open();
    }
  }

  async #findWay(signal: AbortSignal): Promise<Way> {
    const { openRegistry, file, architecture, what, limits } = this.#options;
    const registry = await openRegistry(signal);
    if (registry === undefined) return { kind: "library" };
    const { source, file: found } = await findSif(registry, architecture, what, limits, signal);
    if (found.digest === file.digest && found.size === file.size) {
      return { kind: "registry", source, file: found };
    }
    throw new ContentError(
      "CONTENT_DIGEST_MISMATCH",
      `${what}: expected ${file.digest} of ${file.size} bytes, as the library says, ` +
        `got ${found.digest} of ${found.size} bytes in its registry`,
    );
  }
}
