import { open } from "node:fs/promises";

const READ_BYTES = 256 * 1024;

/**
 * The bytes of one blob as they come to the conversion thread: in messages, or from a spool file
 * that still grows. One consumer.
 */
export class LayerFeed {
  readonly #spoolPath: string | undefined;
  readonly #giveBack: (buffer: ArrayBuffer) => void;
  readonly #chunks: { readonly buffer: ArrayBuffer; readonly bytes: number }[] = [];
  #spooled = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param giveBack - takes the buffer of a message when its bytes have been consumed */
  constructor(spoolPath: string | undefined, giveBack: (buffer: ArrayBuffer) => void) {
    this.#spoolPath = spoolPath;
    this.#giveBack = giveBack;
  }

  push(buffer: ArrayBuffer, bytes: number): void {
    this.#chunks.push({ buffer, bytes });
    this.#changed();
  }

  grown(bytes: number): void {
    this.#spooled = bytes;
    this.#changed();
  }

  end(): void {
    this.#ended = true;
    this.#changed();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#changed();
  }

  /** Gives back what was never consumed. */
  discard(): void {
    for (const { buffer } of this.#chunks.splice(0)) this.#giveBack(buffer);
  }

  bytes(): AsyncIterable<Uint8Array> {
    return this.#spoolPath === undefined ? this.#fromMessages() : this.#fromSpool(this.#spoolPath);
  }

  async *#fromMessages(): AsyncIterable<Uint8Array> {
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        try {
          yield new Uint8Array(chunk.buffer, 0, chunk.bytes);
        } finally {
          this.#giveBack(chunk.buffer);
        }
      } else if (this.#ended) {
        return;
      } else {
        await this.#change();
      }
    }
  }

  async *#fromSpool(path: string): AsyncIterable<Uint8Array> {
    await using file = await open(path, "r");
    const buffer = new Uint8Array(READ_BYTES);
    let position = 0;
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      if (position < this.#spooled) {
        const most = Math.min(READ_BYTES, this.#spooled - position);
        const { bytesRead } = await file.read(buffer, 0, most, position);
        if (bytesRead === 0) throw new Error(`${path} is shorter than what was written to it`);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (this.#ended) {
        return;
      } else {
        await this.#change();
      }
    }
  }

  #changed(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
