import { read } from "node:fs";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { ContentError } from "../image/index.ts";
import type { BlobFile } from "./messages.ts";

const READ_BYTES = 256 * 1024;

/**
 * The bytes of one blob as they come to the conversion thread: in messages, or from a file, as far as
 * it is told that they are there. One consumer.
 */
export class LayerFeed {
  readonly #spool: BlobFile | undefined;
  readonly #giveBack: (buffer: ArrayBuffer) => void;
  readonly #chunks: { readonly buffer: ArrayBuffer; readonly bytes: number }[] = [];
  #spooled = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param giveBack - takes the buffer of a message when its bytes have been consumed */
  constructor(spool: BlobFile | undefined, giveBack: (buffer: ArrayBuffer) => void) {
    this.#spool = spool;
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
    return this.#spool === undefined ? this.#fromMessages() : this.#fromFile(this.#spool);
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

  async *#fromFile(spool: BlobFile): AsyncIterable<Uint8Array> {
    await this.#begun();
    await using file = await openBlob(spool);
    const buffer = new Uint8Array(READ_BYTES);
    let position = 0;
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      if (position < this.#spooled) {
        const most = Math.min(READ_BYTES, this.#spooled - position);
        const length = await file.read(buffer.subarray(0, most), position);
        // What the other thread has just read, or written.
        if (length === 0) throw changed(position);
        position += length;
        yield buffer.subarray(0, length);
      } else if (this.#ended) {
        return;
      } else {
        await this.#change();
      }
    }
  }

  /** Waits for the first bytes in the file: the other thread makes it. */
  async #begun(): Promise<void> {
    while (this.#spooled === 0 && !this.#ended) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#change();
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

/** The bytes of a blob in a file; positions are the blob's own. */
interface OpenBlob extends AsyncDisposable {
  /** @returns how many bytes were read; 0 at the end of the file */
  read(into: Uint8Array, position: number): Promise<number>;
}

const readFile = promisify(read);

async function openBlob(spool: BlobFile): Promise<OpenBlob> {
  if (spool.kind === "part") {
    return {
      read: async (into, position) =>
        (await readFile(spool.fd, into, 0, into.length, spool.offset + position)).bytesRead,
      // Who opened it closes it.
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const file = await open(spool.path, "r");
  return {
    read: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
    [Symbol.asyncDispose]: () => file.close(),
  };
}

function changed(position: number): ContentError {
  const message = `expected more than ${position} bytes of a blob in its file, got no more: it changes while it is read`;
  return new ContentError("CONTENT_SIZE_MISMATCH", message);
}
