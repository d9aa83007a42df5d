import { Worker } from "node:worker_threads";
import { threadUrl } from "../base/index.ts";
import type { CodecSettings } from "./settings.ts";

/** Bytes of input that travel to a worker at once: a message costs some 30 µs of CPU. */
export const BATCH_BYTES: number = 512 * 1024;

/** Blocks on their way to a worker; both buffers go with the message and come back with the answer. */
export interface Batch {
  readonly id: number;
  readonly input: ArrayBuffer;
  readonly output: ArrayBuffer;
  /** Bytes of each block, in the order in which they lie in `input`. */
  readonly lengths: Uint32Array;
}

/** Blocks as they are stored: `bytes` bytes at the start of `output`. */
export interface CompressedBatch {
  readonly id: number;
  readonly input: ArrayBuffer;
  readonly output: ArrayBuffer;
  readonly bytes: number;
  /** Size code of each block (`stored-block.ts`). */
  readonly sizes: Uint32Array;
  /** CRC-32 of each block's stored bytes. */
  readonly checksums: Uint32Array;
}

/** What a compressing thread is started with. */
export interface CompressorSettings {
  readonly settings: CodecSettings;
  /** URL of the module of block compressors. */
  readonly compressors: string;
}

export type ToCompressor =
  { readonly kind: "batch"; readonly batch: Batch } | { readonly kind: "fingerprint" };

export type FromCompressor =
  | { readonly kind: "batch"; readonly batch: CompressedBatch }
  | { readonly kind: "fingerprint"; readonly fingerprint: string };

interface Waiting {
  readonly resolve: (batch: CompressedBatch) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** A fixed number of compressing threads; the caller bounds how much it submits. */
export class CompressorPool implements AsyncDisposable {
  readonly #threads: readonly Thread[];
  readonly #fingerprint = Promise.withResolvers<string>();
  #nextId = 0;
  #failure: Error | undefined;

  /** @param options.checksCodec - has one thread compress the golden vectors first */
  constructor(
    compressor: CompressorSettings,
    options: { readonly jobs: number; readonly checksCodec: boolean },
  ) {
    // Without the check nobody waits for it; with it, a failure is heard by every batch as well.
    this.#fingerprint.promise.catch(() => undefined);
    this.#threads = Array.from({ length: options.jobs }, () => this.#startThread(compressor));
    const request: ToCompressor = { kind: "fingerprint" };
    // The last one, for the first batch goes to the first of those that have nothing to do.
    if (options.checksCodec) this.#threads.at(-1)?.worker.postMessage(request);
  }

  /** What the golden vectors came out as: 64 hex digits. Only where `checksCodec` was asked for. */
  async fingerprint(): Promise<string> {
    return await this.#fingerprint.promise;
  }

  /** Compresses `lengths.length` blocks in `input`; rejects when a thread died. */
  async compress(
    input: ArrayBuffer,
    output: ArrayBuffer,
    lengths: Uint32Array,
  ): Promise<CompressedBatch> {
    if (this.#failure !== undefined) throw this.#failure;
    const thread = this.#threads.reduce((best, next) =>
      next.waiting.size < best.waiting.size ? next : best,
    );
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<CompressedBatch>();
    thread.waiting.set(id, { resolve, reject });
    const request: ToCompressor = { kind: "batch", batch: { id, input, output, lengths } };
    thread.worker.postMessage(request, [input, output]);
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new Error("the compressors were stopped"));
    await Promise.all(this.#threads.map(async ({ worker }) => await worker.terminate()));
  }

  #startThread(compressor: CompressorSettings): Thread {
    const waiting = new Map<number, Waiting>();
    const worker = new Worker(threadUrl(import.meta.url, "compress-thread"), {
      workerData: compressor,
    });
    worker.on("message", (message: FromCompressor) => {
      if (message.kind === "fingerprint") {
        this.#fingerprint.resolve(message.fingerprint);
        return;
      }
      const { batch } = message;
      waiting.get(batch.id)?.resolve(batch);
      waiting.delete(batch.id);
    });
    worker.on("error", (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on("exit", () => {
      this.#fail(new Error("a compressing thread ended"));
    });
    return { worker, waiting };
  }

  /** The first failure ends everything that waits: blocks are lost with their thread. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#fingerprint.reject(error);
    for (const { waiting } of this.#threads) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    }
  }
}
