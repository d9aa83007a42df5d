import { rm } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "../base/index.ts";
import { Conversion, type LayerTask } from "../convert/index.ts";
import { ContentError, type BlobSource, type FilePart } from "../image/index.ts";
import { isDeliveredAnew } from "./or-once-more.ts";
import type { PackKey } from "../packs/index.ts";
import type { ConvertOptions } from "./convert-image.ts";
import { isInterruption } from "./interruption.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import type { PartialBlob, Partials } from "./partials.ts";
import { isNoSpace, isSystemError } from "./pull-error.ts";
import type { ResolvedLayer } from "./resolve-image.ts";
import { verifyLayer } from "./verify-layers.ts";

/** Larger layers are spooled to disk as they come: a converter must not throttle the socket. */
const SPOOL_BYTES = 16 * 1024 * 1024;

/** A file for the bytes of a blob on their way, and how many of them it holds. */
type Spool = Pick<PartialBlob, "path" | "bytes">;

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
  readonly #source: BlobSource;
  readonly #conversion: Conversion;
  readonly #options: ConvertOptions;

  constructor(
    layer: ResolvedLayer,
    index: number,
    packPath: string,
    source: BlobSource,
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
    const keepsSpool = this.#options.tmpDirectory === undefined;
    await this.convert(signal, keepsSpool ? reuse.partials : undefined);
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

  /**
   * Converts the layer.
   *
   * @param partials - what an earlier pull could not finish is taken up there, and left by this one
   *   for the next; absent: in the spool directory, and removed
   */
  async convert(signal: AbortSignal, partials?: Partials): Promise<void> {
    await using kept = await this.#openPartial(partials);
    const spool = kept ?? this.#newSpool();
    try {
      await this.#convertKept(spool, signal);
    } catch (error) {
      if (isInterruption(error, signal)) throw error;
      if (spool !== undefined) await rm(spool.path, { force: true });
      if (!this.#mayGoBetter(error, spool)) throw error;
      await rm(this.#packPath, { force: true });
      await this.#convertKept(spool && { path: spool.path, bytes: 0 }, signal);
    }
  }

  /** Whether the blob may be another one when it is fetched from its beginning. */
  #mayGoBetter(error: unknown, spool: Spool | undefined): boolean {
    if (!(error instanceof CodedError) || isNoSpace(error)) return false;
    // What was there may have been no good: a file that a crash cut holds anything.
    if (spool !== undefined && spool.bytes > 0) return true;
    return error instanceof ContentError && isDeliveredAnew(this.#source);
  }

  /** Converts, and removes the blob when it is no longer of use. */
  async #convertKept(spool: Spool | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#convert(spool, signal);
    } catch (error) {
      if (spool?.bytes === 0 && !isInterruption(error, signal)) {
        await rm(spool.path, { force: true });
      }
      throw error;
    }
    if (spool !== undefined) await rm(spool.path, { force: true });
  }

  get #isSpooled(): boolean {
    return this.#layer.descriptor.size > SPOOL_BYTES;
  }

  async #openPartial(partials: Partials | undefined): Promise<PartialBlob | undefined> {
    if (partials === undefined || !this.#isSpooled) return undefined;
    const codec = Conversion.settingsId(this.#options.choice.compression);
    const use = `${codec} ${this.#layer.diffId}`;
    return await this.#ask(partials.open(this.#layer.descriptor, use));
  }

  #newSpool(): Spool | undefined {
    if (!this.#isSpooled) return undefined;
    const name = `${this.#layer.descriptor.digest.slice(7)}.blob`;
    return { path: join(this.#options.spoolDirectory, name), bytes: 0 };
  }

  async #convert(spool: Spool | undefined, signal: AbortSignal): Promise<void> {
    const { descriptor, diffId } = this.#layer;
    const from = spool?.bytes ?? 0;
    // What lies on this host as it is need not lie there twice.
    await using part = this.#isSpooled ? await this.#source.openPart?.(descriptor) : undefined;
    await this.#conversion.convertLayer(
      {
        what: this.#what,
        digest: descriptor.digest,
        size: descriptor.size,
        diffId,
        mediaType: descriptor.mediaType,
        packPath: this.#packPath,
        spool: blobFileOf(part, spool),
        spooledBytes: from,
      },
      this.#fetch(signal, from),
      (bytes) => {
        this.#options.onEvent({ kind: "converted", layer: this.#index, bytes });
      },
      signal,
    );
  }

  get #what(): string {
    return `layer ${this.#index + 1} of ${this.#options.what}`;
  }

  async *#fetch(signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
    let bytes = from;
    for await (const chunk of this.#source.fetch(this.#layer.descriptor, signal, from)) {
      bytes += chunk.length;
      yield chunk;
      const resumed = from === 0 ? {} : { resumed: from };
      this.#options.onEvent({ kind: "fetched", layer: this.#index, bytes, ...resumed });
    }
  }
}

function blobFileOf(part: FilePart | undefined, spool: Spool | undefined): LayerTask["spool"] {
  if (part !== undefined) return { kind: "part", fd: part.fd, offset: part.offset };
  return spool && { kind: "spool", path: spool.path };
}
