import { ByteBudget, limitError } from "../base/index.ts";
import { CODECS, type CompressorPool } from "../codec/index.ts";
import { BatchBuffers } from "../packs/index.ts";
import { assembleImage } from "./assemble-image.ts";
import { convertLayer } from "./convert-layer.ts";
import { transferError } from "./error-transfer.ts";
import { LayerFeed } from "./layer-feed.ts";
import { MergedLayers } from "./merged-layers.ts";
import type { AssembleTask, FromThread, LayerTask, ThreadSettings, ToThread } from "./messages.ts";

/** Batches on their way per compressor: one in work, one waiting. */
const BATCHES_PER_JOB = 2;

/** What a conversion thread does: any number of layers at once, then the image. */
export class LayerConverter {
  readonly #settings: ThreadSettings;
  readonly #send: (message: FromThread, transfer?: readonly ArrayBuffer[]) => void;
  readonly #pool: CompressorPool;
  readonly #buffers: BatchBuffers;
  readonly #feeds = new Map<number, LayerFeed>();
  readonly #fingerprint: Promise<void>;
  readonly #merged: MergedLayers;
  /** Decompressed bytes of all layers. */
  #imageBytes = 0;

  constructor(
    settings: ThreadSettings,
    pool: CompressorPool,
    send: (message: FromThread, transfer?: readonly ArrayBuffer[]) => void,
  ) {
    this.#settings = settings;
    this.#pool = pool;
    this.#send = send;
    this.#buffers = new BatchBuffers(
      settings.jobs * BATCHES_PER_JOB,
      new ByteBudget(settings.budgetBytes, settings.budget),
    );
    this.#merged = new MergedLayers(settings.limits, (message) => {
      this.#send({ kind: "warning", message });
    });
    this.#fingerprint = settings.checksCodec ? this.#tellFingerprint() : Promise.resolve();
    // Whoever compresses hears of a dead compressor too; here it would only be unhandled.
    this.#fingerprint.catch(() => undefined);
  }

  async #tellFingerprint(): Promise<void> {
    this.#send({ kind: "fingerprint", fingerprint: await this.#pool.fingerprint() });
  }

  receive(message: ToThread): void {
    switch (message.kind) {
      case "layer":
        void this.#convert(message.task);
        break;
      case "chunk":
        this.#push(message.id, message.buffer, message.bytes);
        break;
      case "spooled":
        this.#feeds.get(message.id)?.grown(message.bytes);
        break;
      case "end":
        this.#feeds.get(message.id)?.end();
        break;
      case "abandon":
        this.#feeds.get(message.id)?.fail(new Error("the blob was not completed"));
        break;
      case "merge":
        this.#merged.add(message.packPath);
        break;
      case "assemble":
        void this.#assemble(message.task);
        break;
    }
  }

  #push(id: number, buffer: ArrayBuffer, bytes: number): void {
    const feed = this.#feeds.get(id);
    // What still comes for a layer that failed is let go of.
    if (feed === undefined) this.#send({ kind: "buffer", buffer }, [buffer]);
    else feed.push(buffer, bytes);
  }

  async #convert(task: LayerTask): Promise<void> {
    const { id } = task;
    const feed = new LayerFeed(task.spool, (buffer) => {
      this.#send({ kind: "buffer", buffer }, [buffer]);
    });
    this.#feeds.set(id, feed);
    try {
      await convertLayer(task, feed.bytes(), {
        settings: CODECS[this.#settings.compression],
        pool: this.#pool,
        buffers: this.#buffers,
        limits: this.#settings.limits,
        warn: (message) => {
          this.#send({ kind: "warning", message });
        },
        count: (bytes) => {
          this.#count(bytes);
        },
        progress: (bytes) => {
          this.#send({ kind: "layer-progress", id, bytes });
        },
        signal: new AbortController().signal,
      });
      this.#send({ kind: "layer-done", id });
    } catch (error) {
      this.#send({ kind: "layer-failed", id, error: transferError(error) });
    } finally {
      this.#feeds.delete(id);
      feed.discard();
    }
  }

  #count(bytes: number): void {
    const { limits } = this.#settings;
    this.#imageBytes += bytes;
    if (this.#imageBytes > limits.imageBytes) {
      throw limitError(limits, "imageBytes", "image", this.#imageBytes);
    }
  }

  async #assemble(task: AssembleTask): Promise<void> {
    try {
      const image = await assembleImage(task, {
        settings: CODECS[this.#settings.compression],
        compressors: this.#settings.compressors,
        layers: this.#merged,
        pool: this.#pool,
        buffers: this.#buffers,
        limits: this.#settings.limits,
        warn: (message) => {
          this.#send({ kind: "warning", message });
        },
        compressed: async () => {
          await this.#fingerprint;
          // The tree and the tables have their memory from here on.
          await this.#pool[Symbol.asyncDispose]();
        },
        progress: (bytes, total) => {
          this.#send({ kind: "assemble-progress", bytes, total });
        },
      });
      this.#send({ kind: "assembled", image });
    } catch (error) {
      this.#send({ kind: "assemble-failed", error: transferError(error) });
    } finally {
      this.#merged[Symbol.dispose]();
    }
  }
}
