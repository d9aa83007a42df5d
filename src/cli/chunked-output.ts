import type { Session } from "./session.ts";

const CHUNK_BYTES = 64 * 1024;

/** Standard output for many short lines: they are printed together. */
export class ChunkedOutput {
  readonly #session: Session;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @throws CliError `STDOUT_FAILED` */
  async add(piece: string | Uint8Array): Promise<void> {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= CHUNK_BYTES) await this.flush();
  }

  /** @throws CliError `STDOUT_FAILED` */
  async flush(): Promise<void> {
    const chunk = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (chunk.length > 0) await this.#session.print(chunk);
  }
}
