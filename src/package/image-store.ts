import { resolve } from "node:path";
import {
  ImageError,
  parseRef,
  storeNamesOf,
  storeTagOf,
  type ImageFilter,
} from "../image/index.ts";
import type { Trust } from "../trust/index.ts";
import type { GivenCredentials } from "../credentials/index.ts";
import {
  addFile,
  freshImage,
  registryOf,
  SharedPulls,
  type PullContext,
  type PullOptions,
} from "../pull/index.ts";
import { infoOf, type BorrowOptions, type Store, type StoredImage } from "../store/index.ts";
import { Info } from "./info.ts";
import type { PullWish, Stoppable } from "./settings.ts";
import { libraryTokenOf } from "./library-token.ts";
import { StoreHome } from "./store-home.ts";

/** What an image store is made of; it is closed with the store. */
export interface ImageStoreParts {
  readonly store: Store;
  readonly context: PullContext;
  /** Judges the signatures of its images. */
  readonly trust: Trust;
  /** Makes what a caller gives with a pull into credentials. */
  readonly given: GivenCredentials;
  /** What a pull asks for where the caller does not say. */
  readonly defaults: Pick<PullOptions, "jobs" | "cache">;
  /** Closes what the context holds open. */
  readonly close: () => Promise<void>;
}

const never = new AbortController().signal;

/**
 * Images in a directory: SIF files, their names and who borrows them. Any number of processes may have
 * the same one open. An image is found by its id, by the beginning of it (3 digits or more) that no
 * other id has, or by any spelling of one of its names; names come first.
 *
 * All methods throw StoreError: `STORE_UNAVAILABLE`, `STORE_BUSY`, `STORE_DAMAGED`, `NO_SPACE` and,
 * where they write to a store opened to be read, `STORE_READ_ONLY`.
 *
 * @see image-api.md, Finding an image
 */
export class ImageStore implements AsyncDisposable {
  readonly #parts: ImageStoreParts;
  readonly #pulls: SharedPulls;
  readonly #home: StoreHome;

  constructor(parts: ImageStoreParts) {
    this.#parts = parts;
    this.#pulls = new SharedPulls(parts.store);
    this.#home = new StoreHome(parts.store);
  }

  /** Absolute path of the store's directory. */
  get directory(): string {
    return this.#parts.store.directory;
  }

  /**
   * Pulls an image into the store, or finds that it is there, and records the name. Callers that ask
   * for the same at once share one pull; the abort of one does not stop the others. A `local.file`
   * image is described where it lies.
   *
   * @param ref - as `parseRef` reads it
   * @throws as the package's `pull`
   */
  async pull(ref: string, wish: PullWish = {}): Promise<Info> {
    const { signal = never, onProgress = () => undefined, credentials: config, ...options } = wish;
    const { defaults, context, given } = this.#parts;
    const credentials = given.of(config, registryOf(ref), (message) => {
      onProgress({ kind: "warning", message });
    });
    const libraryToken = libraryTokenOf(ref, config);
    const onEvent = onProgress;
    const pullOptions = { ...defaults, ...options, credentials, libraryToken, onEvent };
    return this.#info(await this.#pulls.pull(ref, context, pullOptions, signal));
  }

  /**
   * The image that `refOrId` means. A `local.file` image whose file changed is hashed again.
   *
   * @throws ImageError `NOT_FOUND`, with `candidates` where several ids begin so
   */
  async find(refOrId: string, { signal = never }: Stoppable = {}): Promise<Info> {
    return this.#info(await this.#find(refOrId, signal));
  }

  /** All images that match, the one used last first; `Info.matches` has the rules. */
  async list(filter?: ImageFilter | null): Promise<Info[]> {
    const images = await this.#parts.store.list();
    return images.map((image) => this.#info(image)).filter((info) => info.matches(filter));
  }

  /**
   * Copies the SIF file at `file` into the store.
   *
   * @param options.names - references without digest; none is fine
   * @throws ImageError `NOT_FOUND` where there is no such file, `REFERENCE_INVALID` for a name that is
   *   none or has a digest; SifError; PullError `LOCAL_FILE_UNREADABLE`
   */
  async add(
    file: string,
    { names = [], signal = never }: Stoppable & { readonly names?: readonly string[] } = {},
  ): Promise<Info> {
    const path = resolve(file);
    const how = {
      names: { tags: names.map(tagOf), digests: [] },
      origin: "sif",
      sideLoaded: true,
      trust: this.#parts.context.trust,
      now: this.#parts.context.now(),
    } as const;
    return this.#info(await addFile(this.#parts.store, path, how, signal));
  }

  /**
   * Removes an image with all its names and its file; the file of a `local.file` image stays.
   *
   * @throws ImageError `NOT_FOUND`, `IS_USED` with the borrowers as `candidates`
   */
  async remove(refOrId: string, { signal = never }: Stoppable = {}): Promise<void> {
    const { store } = this.#parts;
    const { id } = await store.find(refOrId, storeNamesOf(refOrId));
    await store.remove(id, signal);
  }

  /**
   * Takes one name away from its image, which stays.
   *
   * @throws ImageError `NOT_FOUND`, `REFERENCE_INVALID`
   */
  async untag(ref: string): Promise<Info> {
    parseRef(ref);
    const [name = ref] = storeNamesOf(ref);
    return this.#info(await this.#parts.store.untag(name));
  }

  /**
   * Finds an image and keeps it from being removed until `who` returns it, by the same reference or by
   * its id, in one step. A second borrow of it by the same name replaces the first.
   *
   * @param options.expiresAt - milliseconds since 1970 from which on it counts no more
   * @throws ImageError `NOT_FOUND`
   */
  async borrow(refOrId: string, who: string, options: BorrowOptions = {}): Promise<Info> {
    // Looked at first, for a file outside the store may be another image by now.
    const fresh = await this.#find(refOrId, never);
    const image = await this.#parts.store.borrow(refOrId, storeNamesOf(refOrId), who, options);
    return this.#info(image.id === fresh.id ? { ...image, path: fresh.path } : image);
  }

  /**
   * Ends what `who` borrowed by this reference, also where it means another image by now; else the
   * borrow by `who` of the image that it means. One that there is not is fine.
   *
   * @throws ImageError `NOT_FOUND` where nothing was borrowed by it and it means no image
   */
  async return(refOrId: string, who: string): Promise<void> {
    await this.#parts.store.return(refOrId, storeNamesOf(refOrId), who);
  }

  /**
   * Who borrows an image now, sorted.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async usedBy(refOrId: string): Promise<string[]> {
    const { store } = this.#parts;
    const { borrowers } = await store.find(refOrId, storeNamesOf(refOrId));
    return borrowers.map(({ who }) => who);
  }

  /**
   * Keeps an image from being removed to make room, or no longer.
   *
   * @throws ImageError `NOT_FOUND`
   */
  async setPinned(refOrId: string, pinned: boolean): Promise<void> {
    const { store } = this.#parts;
    const { id } = await store.find(refOrId, storeNamesOf(refOrId));
    await store.setPinned(id, pinned);
  }

  /** Waits for pulls that were stopped and gives everything back. */
  async close(): Promise<void> {
    const { store, close } = this.#parts;
    await this.#pulls.settled();
    await store.close();
    await close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #find(refOrId: string, signal: AbortSignal): Promise<StoredImage> {
    const { store, context } = this.#parts;
    const image = await store.find(refOrId, storeNamesOf(refOrId));
    return await freshImage(store, refOrId, image, context, signal);
  }

  #info(image: StoredImage): Info {
    const { store, trust } = this.#parts;
    return Info.of(infoOf(image), this.#home, trust, {
      from: image.source.reference,
      kept: async () => await store.evidence.keptSignatures(image.id),
    });
  }
}

/** A file proves no digest of a registry: only tags can be given. */
function tagOf(text: string): string {
  const tag = storeTagOf(text);
  if (tag !== undefined) return tag;
  throw new ImageError("REFERENCE_INVALID", `${text}: expected a name without a digest`);
}
