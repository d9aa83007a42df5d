import { stat } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import { formatPlatform, type Descriptor } from "../image/index.ts";
import type { ManifestKey, Names, Store, StoredImage } from "../store/index.ts";
import { chooseStoredImage } from "./choose-stored-image.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { isLocalName, localFilesOf, recordLocalFile } from "./local-file.ts";
import { loadConversion } from "./load-conversion.ts";
import { inRoom } from "./make-room.ts";
import { contentInOthers, takeFromOthers, type OtherStoreSearch } from "./other-stores.ts";
import { openSource, type OpenedSource } from "./open-source.ts";
import { publicationOf, pulledNames, type PulledName } from "./publication-of.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { conversionChoice, spoolDirectory } from "./pull-options.ts";
import { platformOf, resolveAndTell } from "./resolve-and-tell.ts";
import { deliveriesOf, type ResolvedImage } from "./resolve-image.ts";

/**
 * Makes `reference` an image of `store`, converting it only where its content is not there yet, and
 * records the name; a `local.file` one stays where it is. What fails or is aborted leaves the store as it was.
 *
 * @throws ImageError, RegistryError, HttpError, ContentError, LayerError, TreeError, LimitError,
 *   ConvertError, StoreError; and AbortError, untouched
 */
export async function pullToStore(
  store: Store,
  reference: string,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<StoredImage> {
  if (isLocalName(reference)) {
    return await recordLocalFile(store, reference, localFilesOf(context), context.now(), signal);
  }
  const opened = openSource(reference, context);
  const root = await opened.source.resolve(signal);
  const pull = new StorePull(store, reference, opened, root, context, options, signal);
  return (await pull.findKnown()) ?? (await pull.resolveAndConvert());
}

/** One pull into a store, after its name was resolved. */
class StorePull {
  readonly #store: Store;
  readonly #reference: string;
  readonly #opened: OpenedSource;
  readonly #root: Descriptor;
  readonly #context: PullContext;
  readonly #options: PullOptions;
  readonly #signal: AbortSignal;

  constructor(
    store: Store,
    reference: string,
    opened: OpenedSource,
    root: Descriptor,
    context: PullContext,
    options: PullOptions,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#reference = reference;
    this.#opened = opened;
    this.#root = root;
    this.#context = context;
    this.#options = options;
    this.#signal = signal;
  }

  /**
   * The image, where this repository is known to have delivered what the name means now. That it
   * answered for the name just now is the caller's permission (design decision 4), so no document
   * is fetched.
   */
  async findKnown(): Promise<StoredImage | undefined> {
    const key = this.#manifestKey();
    if (key === undefined) return undefined;
    const contentKey = await this.#store.manifestContent(key);
    const image = contentKey === undefined ? undefined : await this.#findStored(contentKey);
    return image === undefined ? await this.#takeKnown(key) : await this.#adopt(image);
  }

  /** As `findKnown`, out of another store. */
  async #takeKnown(key: ManifestKey): Promise<StoredImage | undefined> {
    const search = this.#search();
    if (search.others.length === 0) return undefined;
    const contentKey = await contentInOthers(search, key);
    if (contentKey === undefined) return undefined;
    return await takeFromOthers(search, contentKey, { ...key, contentKey }, this.#signal);
  }

  async resolveAndConvert(): Promise<StoredImage> {
    const { source, what } = this.#opened;
    const { limits } = this.#context;
    const image = await resolveAndTell(
      this.#opened,
      this.#root,
      this.#context,
      this.#options,
      this.#signal,
    );
    // One conversion of one content at a time; whoever waited finds it stored. Per source, or a
    // registry that names the content of another's image and never delivers it would stop its pulls.
    await using _claim = await this.#store.claim(
      `convert ${image.contentKey} ${source.origin ?? ""}`,
      this.#signal,
    );
    const stored = await this.#findStored(image.contentKey);
    if (stored === undefined) {
      const key = this.#manifestKey();
      const manifest = key && { ...key, contentKey: image.contentKey };
      const { contentKey } = image;
      const taken = await takeFromOthers(this.#search(), contentKey, manifest, this.#signal);
      if (taken !== undefined) return taken;
      const reuse = await this.#reuse();
      return await inRoom(reuse?.cache, async () => await this.#convert(image, reuse));
    }
    if (!(await this.#mayReuse(image))) {
      const { verifyLayers } = await loadConversion();
      await verifyLayers(
        image.layers,
        source,
        { limits, what, onEvent: this.#options.onEvent },
        this.#signal,
      );
      await this.#recordDeliveries(image);
    }
    await this.#recordManifest(image);
    return await this.#adopt(stored);
  }

  /**
   * Whether every blob of `image` once came from this host with the diffID that it claims now, and
   * the caller may read each of them in this repository.
   */
  async #mayReuse(image: ResolvedImage): Promise<boolean> {
    const { source } = this.#opened;
    const { origin } = source;
    if (origin === undefined) return false;
    if (!(await this.#store.delivered(origin, deliveriesOf(image)))) return false;
    for (const { descriptor } of image.layers) {
      if (!(await source.has(descriptor, this.#signal))) return false;
    }
    return true;
  }

  async #convert(image: ResolvedImage, reuse: LayerReuse | undefined): Promise<StoredImage> {
    const { source, what } = this.#opened;
    await using staging = await this.#store.stage();
    await using spool = await spoolDirectory(this.#options.tmpDirectory, staging.path);
    const { convertImage, requireRoomToConvert } = await loadConversion();
    const choice = conversionChoice(this.#options, this.#context);
    await requireRoomToConvert(image, { choice, directory: staging.path, reuse, what });
    const file = await convertImage(
      image,
      source,
      {
        choice,
        compressors: this.#context.compressors,
        jobs: this.#options.jobs,
        limits: this.#context.limits,
        what,
        directory: staging.path,
        spoolDirectory: spool.path,
        tmpDirectory: this.#options.tmpDirectory,
        reuse,
        onEvent: this.#options.onEvent,
      },
      this.#signal,
    );
    return await this.#store.publish(publicationOf(this.#pulled(), image, file), this.#signal);
  }

  async #reuse(): Promise<LayerReuse | undefined> {
    const { LayerReuse } = await loadConversion();
    return LayerReuse.of(this.#options.cache, this.#store, this.#opened.source, this.#context);
  }

  #pulled(): PulledName {
    return {
      reference: this.#reference,
      host: this.#opened.source.origin,
      root: this.#root,
      names: this.#names(),
      manifest: this.#manifestKey(),
      now: this.#context.now(),
    };
  }

  async #recordDeliveries(image: ResolvedImage): Promise<void> {
    const host = this.#opened.source.origin;
    if (host !== undefined) await this.#store.recordDeliveries(host, deliveriesOf(image));
  }

  async #recordManifest(image: ResolvedImage): Promise<void> {
    const key = this.#manifestKey();
    if (key === undefined) return;
    await this.#store.recordManifest({ ...key, contentKey: image.contentKey });
  }

  /** Gives a stored image the names of this pull. */
  async #adopt(image: StoredImage): Promise<StoredImage> {
    this.#options.onEvent({ kind: "present", id: image.id });
    return await this.#store.addNames(image.id, this.#names());
  }

  async #findStored(contentKey: string): Promise<StoredImage | undefined> {
    const images = await this.#store.findByContent(contentKey);
    const there = await Promise.all(images.map(hasItsFile));
    const sound = images.filter((_image, index) => there[index]);
    return chooseStoredImage(sound, this.#options, this.#names());
  }

  #search(): OtherStoreSearch {
    return {
      store: this.#store,
      others: this.#context.otherStores ?? [],
      reference: this.#reference,
      names: this.#names(),
      wish: this.#options,
      now: this.#context.now(),
      onEvent: this.#options.onEvent,
    };
  }

  #manifestKey(): ManifestKey | undefined {
    const { source, name } = this.#opened;
    if (source.origin === undefined) return undefined;
    return {
      host: source.origin,
      repository: name.repository,
      digest: this.#root.digest,
      platform: formatPlatform(platformOf(this.#options, this.#context)),
    };
  }

  #names(): Names {
    return pulledNames(this.#opened.name, this.#root);
  }
}

/** Whether the file is there with its size: one that is not is made again. */
async function hasItsFile({ path, size }: StoredImage): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
