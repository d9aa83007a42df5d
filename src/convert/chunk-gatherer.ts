/** Some bytes at the start of a buffer. */
export interface Gathered {
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
}

/**
 * Joins the small chunks that a network gives into buffers of one size: what travels between
 * threads or to a file costs by the piece. Copies, because the chunks' memory is not ours to give.
 */
export class ChunkGatherer {
  readonly #size: number;
  readonly #next: () => ArrayBuffer;

  /** @param next - the buffer to fill, of `size` bytes; asked for once per buffer given out */
  constructor(size: number, next: () => ArrayBuffer) {
    this.#size = size;
    this.#next = next;
  }

  async *gather(source: AsyncIterable<Uint8Array>): AsyncIterable<Gathered> {
    let buffer: ArrayBuffer | undefined;
    let filled = 0;
    for await (const chunk of source) {
      for (let from = 0; from < chunk.length;) {
        buffer ??= this.#next();
        const count = Math.min(chunk.length - from, this.#size - filled);
        new Uint8Array(buffer).set(chunk.subarray(from, from + count), filled);
        filled += count;
        from += count;
        if (filled < this.#size) continue;
        yield { buffer, bytes: filled };
        buffer = undefined;
        filled = 0;
      }
    }
    if (buffer !== undefined) yield { buffer, bytes: filled };
  }
}
