import { open } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import {
  ByteBudget,
  startAtBatchPriority,
  threadUrl,
  writeFully,
  type Limits,
} from "../base/index.ts";
import { BLOCK_COMPRESSORS, codecIdOf, CODECS } from "../codec/index.ts";
import type { Compression, KnownCodecs } from "../image/index.ts";
import { ChunkGatherer } from "./chunk-gatherer.ts";
import { ConvertError } from "./convert-error.ts";
import { orNoSpace, receiveError } from "./error-transfer.ts";
import type {
  AssembledImage,
  AssembleTask,
  BlobFile,
  FromThread,
  LayerTask,
  ThreadSettings,
  ToThread,
} from "./messages.ts";

/** Bytes that a message or one write to a spool file carries. */
const CHUNK_BYTES = 512 * 1024;
/** Bytes in all buffers of one conversion before the network has to wait. */
const BUDGET_BYTES = 48 * 1024 * 1024;

export interface ConversionOptions {
  readonly compression: Compression;
  /** URL of the module of block compressors; absent: siflet's own. */
  readonly compressors?: string | undefined;
  /** What earlier conversions of this process have learned; absent: this one finds out for itself. */
  readonly codecs?: KnownCodecs | undefined;
  /** Compressing threads. */
  readonly jobs: number;
  readonly limits: Limits;
  readonly warn: (message: string) => void;
}

/** What an image was converted to. */
export interface ConvertedImage extends AssembledImage {
  /** `gzip/1`, or with a suffix where this machine's codec makes other bytes. */
  readonly codec: string;
}

interface Pending<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One conversion thread with its compressors. Layers are converted at the same time, in any order,
 * each while its blob comes in; then the image is assembled. Disposing ends all threads at once and
 * leaves the files where they are: they belong to the caller's directory.
 */
export class Conversion implements AsyncDisposable {
  readonly #options: ConversionOptions;
  /** URL of the module that compresses. */
  readonly #compressors: string;
  readonly #worker: Worker;
  readonly #budget = new ByteBudget(BUDGET_BYTES);
  readonly #layers = new Map<
    number,
    Pending<undefined> & { readonly progress: (bytes: number) => void }
  >();
  #image:
    | (Pending<ConvertedImage> & { readonly progress: (bytes: number, total: number) => void })
    | undefined;
  readonly #codecId = Promise.withResolvers<string>();
  #failure: Error | undefined;
  #nextId = 0;

  /** The frozen id of the settings for `compression`, whatever this machine makes of them. */
  static settingsId(compression: Compression): string {
    return CODECS[compression].id;
  }

  constructor(options: ConversionOptions) {
    this.#options = options;
    // A conversion that fails before anyone asks tells it to whoever waits for layers.
    this.#codecId.promise.catch(() => undefined);
    const { compression, compressors = BLOCK_COMPRESSORS, codecs } = options;
    this.#compressors = compressors;
    const known = codecs?.idOf(compression, compressors);
    if (known !== undefined) this.#codecId.resolve(known);
    const settings: ThreadSettings = {
      compression,
      compressors,
      checksCodec: known === undefined,
      jobs: options.jobs,
      limits: options.limits,
      budget: this.#budget.shared,
      budgetBytes: BUDGET_BYTES,
    };
    const url = threadUrl(import.meta.url, "conversion-thread");
    this.#worker = startAtBatchPriority(() => new Worker(url, { workerData: settings }));
    this.#worker.on("message", (message: FromThread) => {
      this.#receive(message);
    });
    this.#worker.on("error", (error) => {
      this.#fail(new ConvertError("CONVERT_THREAD", `a conversion thread died: ${String(error)}`));
    });
    this.#worker.on("exit", () => {
      this.#fail(new ConvertError("CONVERT_THREAD", "the conversion was stopped"));
    });
  }

  /**
   * What this machine's codec is by what it does: `gzip/1`, or with a suffix where it makes other
   * bytes than those that are frozen under that name.
   */
  async codecId(): Promise<string> {
    return await this.#codecId.promise;
  }

  /**
   * Converts the layer whose blob `source` delivers, unchecked; blob and diffID are verified here.
   *
   * @param source - its bytes, or with `layer.spooledBytes` those behind what its spool file holds;
   *   of a blob that lies in a file all the same, for here it is heard where they cannot be read
   * @param progress - told the decompressed bytes so far
   */
  async convertLayer(
    layer: Omit<LayerTask, "id"> & { readonly spooledBytes?: number },
    source: AsyncIterable<Uint8Array>,
    progress: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#layers.set(id, { resolve, reject, progress });
    const { spooledBytes = 0, ...task } = layer;
    this.#send({ kind: "layer", task: { ...task, id } });
    const stop = new AbortController();
    // A layer that turns out to be bad ends its download; a download that fails ends the layer.
    const converted = promise.catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
    // Heard below, once the feed has let go of its source; until then it must not pass for unheard.
    converted.catch(() => undefined);
    try {
      const either = AbortSignal.any([signal, stop.signal]);
      await this.#feed(id, task.spool, spooledBytes, source, either);
    } catch (error) {
      // Asked before the layer is told to give up, which fails it too.
      const cause: unknown = stop.signal.aborted ? stop.signal.reason : error;
      this.#send({ kind: "abandon", id });
      await converted.catch(() => undefined);
      throw orNoSpace(cause);
    }
    await converted;
  }

  /**
   * Merges the pack of a converted layer while other layers are still on their way: to be told of
   * the lowest first and of each in its turn. Assembling merges the rest.
   */
  mergeAhead(packPath: string): void {
    this.#send({ kind: "merge", packPath });
  }

  /** Assembles converted layers into a SIF at `task.outputPath`. */
  async assemble(
    task: AssembleTask,
    progress: (bytes: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<ConvertedImage> {
    if (this.#failure !== undefined) throw this.#failure;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ConvertedImage>();
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      this.#image = { resolve, reject, progress };
      this.#send({ kind: "assemble", task });
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#image = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new ConvertError("CONVERT_THREAD", "the conversion was stopped"));
    await this.#worker.terminate();
  }

  async #feed(
    id: number,
    spool: BlobFile | undefined,
    known: number,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    if (spool === undefined) await this.#feedMessages(id, source, signal);
    else if (spool.kind === "part") await this.#feedPart(id, source, signal);
    else await this.#feedSpool(id, { path: spool.path, bytes: known }, source, signal);
    this.#send({ kind: "end", id });
  }

  async #feedMessages(
    id: number,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const gatherer = new ChunkGatherer(CHUNK_BYTES, () => new ArrayBuffer(CHUNK_BYTES));
    for await (const { buffer, bytes } of gatherer.gather(source)) {
      await this.#budget.acquire(CHUNK_BYTES, signal);
      this.#send({ kind: "chunk", id, buffer, bytes }, [buffer]);
    }
  }

  /** Reads ahead of the thread, which reads the same bytes again while they are in memory. */
  async #feedPart(
    id: number,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    let position = 0;
    for await (const chunk of source) {
      signal.throwIfAborted();
      position += chunk.length;
      this.#send({ kind: "spooled", id, bytes: position });
    }
  }

  async #feedSpool(
    id: number,
    { path, bytes: known }: { readonly path: string; readonly bytes: number },
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    await using file = await open(path, known > 0 ? "r+" : "w", 0o600);
    await file.truncate(known);
    if (known > 0) this.#send({ kind: "spooled", id, bytes: known });
    const buffer = new ArrayBuffer(CHUNK_BYTES);
    const gatherer = new ChunkGatherer(CHUNK_BYTES, () => buffer);
    let position = known;
    for await (const { bytes } of gatherer.gather(source)) {
      signal.throwIfAborted();
      await writeFully(file, new Uint8Array(buffer, 0, bytes), position);
      position += bytes;
      this.#send({ kind: "spooled", id, bytes: position });
    }
  }

  #send(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case "buffer":
        this.#budget.release(CHUNK_BYTES);
        break;
      case "layer-progress":
        this.#layers.get(message.id)?.progress(message.bytes);
        break;
      case "layer-done":
        this.#layers.get(message.id)?.resolve(undefined);
        this.#layers.delete(message.id);
        break;
      case "layer-failed":
        this.#layers.get(message.id)?.reject(receiveError(message.error));
        this.#layers.delete(message.id);
        break;
      case "assemble-progress":
        this.#image?.progress(message.bytes, message.total);
        break;
      case "assembled":
        void this.#finish(message.image);
        break;
      case "fingerprint":
        this.#learn(message.fingerprint);
        break;
      case "assemble-failed":
        this.#image?.reject(receiveError(message.error));
        break;
      case "warning":
        this.#options.warn(message.message);
        break;
    }
  }

  #learn(fingerprint: string): void {
    const { compression, codecs } = this.#options;
    const id = codecIdOf(CODECS[compression], fingerprint);
    codecs?.learn(compression, this.#compressors, id);
    this.#codecId.resolve(id);
  }

  async #finish(image: AssembledImage): Promise<void> {
    const pending = this.#image;
    try {
      pending?.resolve({ ...image, codec: await this.codecId() });
    } catch (error) {
      pending?.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { reject } of this.#layers.values()) reject(error);
    this.#layers.clear();
    this.#image?.reject(error);
    this.#codecId.reject(error);
  }
}
