import type { createGunzip, createZstdDecompress } from "node:zlib";
import { LayerError } from "./layer-error.ts";

/**
 * Bytes of one output buffer. Measured on gzip and zstd of a Debian `/usr`: 64 KiB cost 40 % more
 * CPU; 512 KiB and 1 MiB save 4 % and hold two and four times the memory.
 */
export const OUTPUT_BYTES: number = 256 * 1024;

/**
 * What every decoder is made with. In object mode the stream hands its buffers out one by one
 * where else it joins them, which is a copy; two are made ahead of the reader.
 */
export const DECODER_OPTIONS: Readonly<{
  chunkSize: number;
  readableObjectMode: true;
  readableHighWaterMark: number;
}> = {
  chunkSize: OUTPUT_BYTES,
  readableObjectMode: true,
  readableHighWaterMark: 2,
};

type ZlibDecoder = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

/**
 * Pulls one of Node's decoders: input goes in a piece at a time, and none is taken while output of
 * the piece before it is unread.
 *
 * Every chunk of output is valid until the next is asked for: its memory is then given back by
 * hand. Left to the garbage collector, 64 MB of them pile up in every thread before it looks.
 */
export class PulledDecoder implements Disposable {
  readonly #stream: ZlibDecoder;
  readonly #what: string;
  #ended = false;
  #error: Error | undefined;
  #isAwake = false;
  #wake: () => void = () => undefined;

  /** @param what - the layer, for messages */
  constructor(stream: ZlibDecoder, what: string) {
    this.#stream = stream;
    this.#what = what;
    stream.on("readable", () => {
      this.#rouse();
    });
    stream.on("end", () => {
      this.#ended = true;
      this.#rouse();
    });
    stream.on("error", (error) => {
      this.#error ??= error;
      this.#rouse();
    });
  }

  /** Whether the decoder takes nothing more: it found the end of its format. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes of input that belonged to the format. */
  get consumed(): number {
    return this.#stream.bytesWritten;
  }

  /**
   * Decodes `piece` to its end, or to the end of the format.
   *
   * @throws LayerError `LAYER_CORRUPT`
   */
  async *write(piece: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    let isTaken = false;
    this.#stream.write(piece, (error) => {
      if (error) this.#error ??= error;
      isTaken = true;
      this.#rouse();
    });
    yield* this.#outputs(() => isTaken);
  }

  /**
   * Says that there is no more input, and yields what is left.
   *
   * @throws LayerError `LAYER_TRUNCATED`, `LAYER_CORRUPT`
   */
  async *finish(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#stream.end();
    yield* this.#outputs(() => false);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  async *#outputs(isOver: () => boolean): AsyncGenerator<Uint8Array, void, undefined> {
    while (true) {
      this.#isAwake = false;
      for (let chunk = this.#read(); chunk !== undefined; chunk = this.#read()) {
        yield chunk;
        // A decoder writes on behind what it handed out, until the buffer is full.
        if (chunk.byteOffset + chunk.byteLength === OUTPUT_BYTES) freeOutput(chunk);
      }
      if (this.#error !== undefined) throw decoderError(this.#error, this.#what);
      if (this.#ended || isOver()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#isAwake) resolve();
      });
    }
  }

  #read(): Uint8Array | undefined {
    const chunk: unknown = this.#stream.read();
    return chunk instanceof Uint8Array ? chunk : undefined;
  }

  #rouse(): void {
    this.#isAwake = true;
    this.#wake();
  }
}

/** Frees the output buffer under `chunk`, which nobody may use any more. */
export function freeOutput({ buffer }: Uint8Array): void {
  // Another length is another buffer: Node's pool, or one joined of several.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === OUTPUT_BYTES) buffer.transfer(0);
}

/** What a decoder's complaint says of the layer; complaints about anything else as they are. */
export function decoderError(error: Error, what: string): Error {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const options = { cause: error };
  if (code === "Z_BUF_ERROR") {
    const message = `${what}: expected more compressed data, got its end`;
    return new LayerError("LAYER_TRUNCATED", message, options);
  }
  const isCorrupt = code === "Z_DATA_ERROR" || code === "Z_NEED_DICT";
  const isCorruptZstd = code.startsWith("ZSTD_error_") && !code.includes("memory");
  if (!isCorrupt && !isCorruptZstd) return error;
  const message = `${what}: expected sound compressed data, got: ${error.message}`;
  return new LayerError("LAYER_CORRUPT", message, options);
}
