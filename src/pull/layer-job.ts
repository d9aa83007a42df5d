import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Conversion } from "../convert/index.ts";
import type { ImageSource } from "../image/index.ts";
import type { PackKey } from "../packs/index.ts";
import type { ConvertOptions } from "./convert-image.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { isSystemError } from "./pull-error.ts";
import type { ResolvedLayer } from "./resolve-image.ts";
import { verifyLayer } from "./verify-layers.ts";

/** Larger layers are spooled to disk as they come: a converter must not throttle the socket. */
const SPOOL_BYTES = 16 * 1024 * 1024;

/** Other pulls' packs while one image is converted. */
export interface OpenReuse {
  readonly reuse: LayerReuse;
  /** Reads packs whole before they are used: one of them was damaged where nobody looks at first. */
  readonly checksAll: boolean;
  /** Is given what goes on when the layer can be used already. */
  readonly goOn: (keeping: Promise<void>) => void;
}

/** Makes the pack of one layer. */
export class LayerJob {
  readonly #layer: ResolvedLayer;
  readonly #index: number;
  readonly #packPath: string;
  readonly #source: ImageSource;
  readonly #conversion: Conversion;
  readonly #options: ConvertOptions;

  constructor(
    layer: ResolvedLayer,
    index: number,
    packPath: string,
    source: ImageSource,
    conversion: Conversion,
    options: ConvertOptions,
  ) {
    this.#layer = layer;
    this.#index = index;
    this.#packPath = packPath;
    this.#source = source;
    this.#conversion = conversion;
    this.#options = options;
  }

  /**
   * Takes the pack from the cache, with permission, or converts the layer and keeps the pack.
   *
   * @returns whether it was taken
   */
  async obtain({ reuse, checksAll, goOn }: OpenReuse, signal: AbortSignal): Promise<boolean> {
    const codec = Conversion.settingsId(this.#options.choice.compression);
    const key: PackKey = { diffId: this.#layer.diffId, codec };
    await using claim = new AsyncDisposableStack();
    claim.use(await reuse.claim(key, signal));
    if ((await this.#ask(reuse.cache.take(key, this.#packPath, { checksAll }))) === true) {
      if (await reuse.isProved(this.#layer, signal)) return true;
      await verifyLayer(this.#layer, this.#fetch(signal), this.#what, this.#options, signal);
      await reuse.prove(this.#layer);
      return true;
    }
    await this.convert(signal);
    goOn(this.#keep(key, reuse, claim.move()));
    return false;
  }

  /** Shares the pack that was made here, then lets go of the claim on its layer. */
  async #keep(key: PackKey, reuse: LayerReuse, held: AsyncDisposable): Promise<void> {
    await using _claim = held;
    await reuse.prove(this.#layer);
    // A codec that makes other bytes shares no packs with those that make the frozen ones.
    if ((await this.#conversion.codecId()) !== key.codec) return;
    await this.#ask(reuse.cache.put(key, this.#packPath));
  }

  /** What the cache answers; undefined where the system fails it, which costs work and no pull. */
  async #ask<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const message = `${this.#what}: cache of converted layers: ${error.message}`;
      this.#options.onEvent({ kind: "warning", message });
      return undefined;
    }
  }

  async convert(signal: AbortSignal): Promise<void> {
    const { descriptor, diffId } = this.#layer;
    const spoolPath =
      descriptor.size > SPOOL_BYTES
        ? join(this.#options.spoolDirectory, `${descriptor.digest.slice(7)}.blob`)
        : undefined;
    await this.#conversion.convertLayer(
      {
        what: this.#what,
        digest: descriptor.digest,
        size: descriptor.size,
        diffId,
        mediaType: descriptor.mediaType,
        packPath: this.#packPath,
        spoolPath,
      },
      this.#fetch(signal),
      (bytes) => {
        this.#options.onEvent({ kind: "converted", layer: this.#index, bytes });
      },
      signal,
    );
    if (spoolPath !== undefined) await rm(spoolPath);
  }

  get #what(): string {
    return `layer ${this.#index + 1} of ${this.#options.what}`;
  }

  async *#fetch(signal: AbortSignal): AsyncIterable<Uint8Array> {
    let bytes = 0;
    for await (const chunk of this.#source.fetch(this.#layer.descriptor, signal)) {
      yield chunk;
      bytes += chunk.length;
      this.#options.onEvent({ kind: "fetched", layer: this.#index, bytes });
    }
  }
}
