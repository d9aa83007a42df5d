import type { ByteBudget } from "../base/index.ts";
import { BATCH_BYTES } from "../codec/index.ts";

/** What one batch needs: blocks are cut into `input` and come back compressed in `output`. */
export interface BatchBuffer {
  readonly input: ArrayBuffer;
  readonly output: ArrayBuffer;
}

/**
 * The buffers that travel between one converting thread and its compressors. They are taken without
 * waiting, because the tar reader cannot stop in the middle of a chunk; whoever pushed a chunk then
 * awaits `settled`, so that no more than `most` and one chunk's worth are ever on their way. A
 * buffer that a layer still fills does not count: it waits for that layer, and nothing may wait for
 * it, or as many layers as there are buffers would wait for each other.
 */
export class BatchBuffers {
  readonly #free: BatchBuffer[] = [];
  readonly #most: number;
  readonly #budget: ByteBudget;
  #onTheirWay = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number, budget: ByteBudget) {
    this.#most = most;
    this.#budget = budget;
  }

  /** A buffer to fill. */
  take(): BatchBuffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#budget.add(2 * BATCH_BYTES);
    return { input: new ArrayBuffer(BATCH_BYTES), output: new ArrayBuffer(BATCH_BYTES) };
  }

  /** Counts a full buffer as on its way to a compressor. */
  send(): void {
    this.#onTheirWay += 1;
  }

  /** Takes a buffer that was sent back; without one, its memory is lost with its thread. */
  receive(buffer: BatchBuffer | undefined): void {
    this.#onTheirWay -= 1;
    this.giveBack(buffer);
    if (this.#onTheirWay <= this.#most) this.#wake();
  }

  /** Takes a buffer that was never sent. */
  giveBack(buffer: BatchBuffer | undefined): void {
    if (buffer !== undefined && this.#free.length < this.#most) this.#free.push(buffer);
    else this.#budget.release(2 * BATCH_BYTES);
  }

  /** Resolves when no more than `most` buffers are on their way. */
  async settled(): Promise<void> {
    while (this.#onTheirWay > this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
