/** A position in a stream of chunks, for decoders that must look before they take. */
export class ChunkCursor {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(iterator: AsyncIterator<Uint8Array>, signal: AbortSignal) {
    this.#iterator = iterator;
    this.#signal = signal;
  }

  /** What is left of the current chunk: a view, valid until more is asked of the stream. */
  get rest(): Uint8Array {
    return this.#chunk.subarray(this.#at);
  }

  /** Passes over bytes of `rest`. */
  advance(bytes: number): void {
    this.#at += bytes;
  }

  /** Makes `rest` hold at least one byte; false at the end of the stream. */
  async fill(): Promise<boolean> {
    while (this.#at >= this.#chunk.length) {
      const chunk = await this.#next();
      if (chunk === undefined) return false;
      this.#chunk = chunk;
      this.#at = 0;
    }
    return true;
  }

  /** Makes `rest` hold at least `bytes`, or all that the stream still has, and returns it. */
  async peek(bytes: number): Promise<Uint8Array> {
    while (this.rest.length < bytes) {
      // A copy, for the source may use the chunk's memory again when asked for the next.
      const start = new Uint8Array(this.rest);
      const chunk = await this.#next();
      if (chunk === undefined) {
        this.#chunk = start;
      } else {
        this.#chunk = new Uint8Array(start.length + chunk.length);
        this.#chunk.set(start);
        this.#chunk.set(chunk, start.length);
      }
      this.#at = 0;
      if (chunk === undefined) break;
    }
    return this.rest;
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#signal.throwIfAborted();
    const result = await this.#iterator.next();
    return result.done === true ? undefined : result.value;
  }
}
