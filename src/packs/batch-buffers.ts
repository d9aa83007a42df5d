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
 * awaits `settled`, so that no more than `most` and one chunk's worth are ever on their way.
 */
export class BatchBuffers {
  readonly #free: BatchBuffer[] = [];
  readonly #most: number;
  readonly #budget: ByteBudget;
  #inUse = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number, budget: ByteBudget) {
    this.#most = most;
    this.#budget = budget;
  }

  take(): BatchBuffer {
    this.#inUse += 1;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#budget.add(2 * BATCH_BYTES);
    return { input: new ArrayBuffer(BATCH_BYTES), output: new ArrayBuffer(BATCH_BYTES) };
  }

  /** Takes a buffer back; without one, its memory is lost with the thread that had it. */
  giveBack(buffer: BatchBuffer | undefined): void {
    this.#inUse -= 1;
    if (buffer !== undefined && this.#free.length < this.#most) this.#free.push(buffer);
    else this.#budget.release(2 * BATCH_BYTES);
    if (this.#inUse <= this.#most) this.#wake();
  }

  /** Resolves when no more than `most` buffers are in use. */
  async settled(): Promise<void> {
    while (this.#inUse > this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
