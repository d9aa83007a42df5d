import { CliError } from "./cli-error.ts";
import type { TextStream } from "./environment.ts";

/** Standard output. A reader that has left, as `head` does, is no failure. */
export class TextOutput {
  readonly #stream: TextStream;
  #isReaderGone = false;

  constructor(stream: TextStream) {
    this.#stream = stream;
    // Every failure also reaches the `write` that met it; unheard, it would end the process here.
    stream.on("error", () => undefined);
  }

  /** Whether the reader has left: what is written from then on goes nowhere. */
  get isReaderGone(): boolean {
    return this.#isReaderGone;
  }

  /** @throws CliError `STDOUT_FAILED` */
  async write(output: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Error | null | undefined>();
    this.#stream.write(output, resolve);
    const error = await promise;
    if (error === null || error === undefined) return;
    this.#isReaderGone ||= isReaderGone(error);
    if (this.#isReaderGone) return;
    throw new CliError("STDOUT_FAILED", `cannot write standard output: ${error.message}`, {
      cause: error,
    });
  }
}

function isReaderGone(error: Error): boolean {
  if (!("code" in error)) return false;
  // After an EPIPE the stream is closed, and further writes say so.
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}
