import { join } from "node:path";
import { copyHashed } from "../base/index.ts";
import { ImageError, type ProfileWish } from "../image/index.ts";
import { SifError } from "../sif/index.ts";
import {
  StoreError,
  type DeliveredLayer,
  type ManifestRecord,
  type Names,
  type Store,
  type StoredImage,
} from "../store/index.ts";
import type { Acceptance } from "./acceptance.ts";
import { chooseStoredImage } from "./choose-stored-image.ts";
import { describeSif, type SifFacts } from "./describe-sif.ts";
import { isSystemError } from "./pull-error.ts";
import type { OnPullEvent } from "./pull-events.ts";

/** An image of another store that is what a pull wishes for. */
export interface OtherImage {
  readonly store: Store;
  readonly image: StoredImage;
}

/** Where an image that is taken goes, and how it is recorded there. */
export interface TakenAs {
  readonly store: Store;
  readonly reference: string;
  readonly manifest: ManifestRecord | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The other stores that one pull may take an image from. That a file can be read there is no permission
 * to have it under a name of one's own: whoever takes it has asked the source before. What cannot be
 * used is told once and not tried again, and is nobody's failure: the image is pulled.
 */
export class OtherStores {
  readonly #stores: readonly Store[];
  readonly #wish: ProfileWish;
  readonly #names: Names;
  readonly #onEvent: OnPullEvent;
  /** Directories of stores and paths of images that were no good. */
  readonly #unusable = new Set<string>();

  constructor(stores: readonly Store[], wish: ProfileWish, names: Names, onEvent: OnPullEvent) {
    this.#stores = stores;
    this.#wish = wish;
    this.#names = names;
    this.#onEvent = onEvent;
  }

  /**
   * The first image that fits the wish and is of the content that is wanted.
   *
   * @param contentOf - the content key that is wanted of a store; undefined for none
   */
  async find(
    contentOf: (store: Store) => Promise<string | undefined>,
  ): Promise<OtherImage | undefined> {
    for (const store of this.#stores) {
      const images = await this.#ask(store, async () => {
        const contentKey = await contentOf(store);
        return contentKey === undefined ? undefined : await store.findByContent(contentKey);
      });
      if (images === undefined) continue;
      const usable = images.filter(({ path }) => !this.#unusable.has(path));
      const image = chooseStoredImage(usable, this.#wish, this.#names);
      if (image !== undefined) return { store, image };
    }
    return undefined;
  }

  /** As the store knows it: whether `host` once delivered all of these. */
  async delivered(
    { store }: OtherImage,
    host: string,
    layers: readonly DeliveredLayer[],
  ): Promise<boolean> {
    return (
      (await this.#ask(store, async () => await store.evidence.delivered(host, layers))) ?? false
    );
  }

  /**
   * Copies an image into our store. The copy is hashed before it is an image, and what it says of itself is
   * read out of it: the other store's database is somebody else's.
   *
   * @returns undefined where it is no good
   * @throws StoreError of our own store; what the policy refuses it with; the signal's reason
   */
  async take(
    { image }: OtherImage,
    { store, reference, manifest, now }: TakenAs,
    acceptance: Acceptance,
    signal: AbortSignal,
  ): Promise<StoredImage | undefined> {
    await using staging = await store.stage();
    const file = join(staging.path, "taken.sif");
    const facts = await this.#copy(image, file, signal);
    if (facts === undefined) return undefined;
    const { id, contentKey, profile, platform, origin } = image;
    if (origin === "layers") await acceptance.requireConverted(signal);
    else await acceptance.requireFile({ path: file, directory: store.imagesDirectory }, signal);
    this.#onEvent({ kind: "present", id });
    return await store.publish(
      {
        file,
        id,
        size: facts.size,
        names: this.#names,
        origin,
        ...(contentKey === undefined ? {} : { contentKey }),
        ...(profile === undefined ? {} : { profile }),
        platform,
        ...(facts.ociConfigJson === undefined ? {} : { ociConfigJson: facts.ociConfigJson }),
        source: { ...image.source, reference },
        createdAt: now,
        ...(manifest === undefined ? {} : { manifest }),
      },
      signal,
    );
  }

  async #copy(
    { id, path }: StoredImage,
    file: string,
    signal: AbortSignal,
  ): Promise<SifFacts | undefined> {
    try {
      const got = await copyHashed(path, file, 0o600, signal);
      if (got === id) return await describeSif(file, signal);
      this.#giveUp(path, `${path} is damaged: expected sha256 ${id}, got ${got}`);
    } catch (error) {
      if (isSystemError(error)) {
        this.#giveUp(path, `${path} cannot be copied: ${error.message}`);
      } else if (error instanceof SifError || error instanceof ImageError) {
        this.#giveUp(path, `${path} cannot be used: ${error.message}`);
      } else {
        throw error;
      }
    }
    return undefined;
  }

  /** What a store answers; undefined where it cannot. */
  async #ask<Answer>(store: Store, question: () => Promise<Answer>): Promise<Answer | undefined> {
    if (this.#unusable.has(store.directory)) return undefined;
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const message = `store ${store.directory} cannot be asked: ${error.message}`;
      this.#giveUp(store.directory, message);
      return undefined;
    }
  }

  /** Gives something up, and says why. */
  #giveUp(what: string, message: string): void {
    this.#unusable.add(what);
    this.#onEvent({ kind: "warning", message });
  }
}
