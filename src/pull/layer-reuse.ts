import { makeDirectories } from "../base/index.ts";
import type { BlobSource } from "../image/index.ts";
import { PackCache, type PackKey } from "../packs/index.ts";
import type { Store } from "../store/index.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { outputError } from "./pull-error.ts";
import type { ResolvedLayer } from "./resolve-image.ts";
import { Partials, partialsDirectory } from "./partials.ts";
import { makeScratchDirectory, type ScratchDirectory } from "./scratch-directory.ts";

/**
 * Converted layers that a pull may use again, and who may. A layer's diffID is no permission: a pack
 * is used only where this source once delivered the layer and lets the caller read its blob now, or
 * delivers it once more.
 */
export class LayerReuse {
  readonly #store: Store | undefined;
  readonly #source: BlobSource;
  readonly #cache: PackCache;
  readonly #now: () => number;
  #partials: Partials | undefined;

  /**
   * @param store - remembers who delivered what; without one, every layer is delivered again
   * @param now - milliseconds since 1970
   */
  constructor(store: Store | undefined, source: BlobSource, cache: PackCache, now: () => number) {
    this.#store = store;
    this.#source = source;
    this.#cache = cache;
    this.#now = now;
  }

  /** As the constructor; undefined where there is no cache, or one that keeps nothing. */
  static of(
    cache: PullOptions["cache"],
    store: Store | undefined,
    source: BlobSource,
    { now }: PullContext,
  ): LayerReuse | undefined {
    if (cache === undefined || cache.maxBytes === 0) return undefined;
    return new LayerReuse(store, source, new PackCache({ ...cache, now }), now);
  }

  /** Whether the cache seems to have the layer, converted by `codec`. */
  async isKept({ diffId }: ResolvedLayer, codec: string): Promise<boolean> {
    return await this.#cache.has({ diffId, codec });
  }

  /**
   * Where blobs that did not come to their end are kept; undefined where no source could be asked for
   * the rest.
   */
  get partials(): Partials | undefined {
    const { origin } = this.#source;
    if (origin === undefined) return undefined;
    const isClaimed = this.#store !== undefined;
    const owner = { name: `${this.#store?.directory ?? "files"} ${origin}`, isClaimed };
    this.#partials ??= new Partials(partialsDirectory(this.#cache.directory), owner, this.#now);
    return this.#partials;
  }

  get cache(): PackCache {
    return this.#cache;
  }

  /**
   * A directory for packs, in the file system of the cache: they are linked, not copied.
   *
   * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
   */
  async directory(): Promise<ScratchDirectory> {
    const { directory } = this.#cache;
    try {
      await makeDirectories(directory, 0o700);
    } catch (error) {
      throw outputError(directory, error);
    }
    return await makeScratchDirectory(directory, this.#now());
  }

  /**
   * Waits until nobody else converts this layer of this source. Per source, for one that never
   * delivers must not stop another's pulls.
   */
  async claim({ diffId, codec }: PackKey, signal: AbortSignal): Promise<AsyncDisposable> {
    if (this.#store === undefined) return { async [Symbol.asyncDispose]() {} };
    return await this.#store.claim(`layer ${codec} ${diffId} ${this.#source.origin ?? ""}`, signal);
  }

  /** Whether the source need not deliver the layer again. */
  async isProved(layer: ResolvedLayer, signal: AbortSignal): Promise<boolean> {
    const { origin } = this.#source;
    if (origin === undefined || this.#store === undefined) return false;
    const delivery = { blobDigest: layer.descriptor.digest, diffId: layer.diffId };
    if (!(await this.#store.evidence.delivered(origin, [delivery]))) return false;
    return await this.#source.has(layer.descriptor, signal);
  }

  /** Remembers that the source delivered the layer, blob and diffID verified. */
  async prove(layer: ResolvedLayer): Promise<void> {
    const { origin } = this.#source;
    if (origin === undefined || this.#store === undefined) return;
    const delivery = { blobDigest: layer.descriptor.digest, diffId: layer.diffId };
    await this.#store.evidence.recordDeliveries(origin, [delivery]);
  }
}
