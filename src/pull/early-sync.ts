import { open } from "node:fs/promises";
import { outputError } from "./pull-error.ts";

/**
 * Has the disk take a file while it still grows, so that little is left to wait for when it is whole.
 * One call runs at a time.
 */
export class EarlySync {
  readonly #path: string;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The file has grown. */
  grown(): void {
    this.#running ??= this.#sync();
  }

  /**
   * Waits for the call that runs. The system tells of a failed write once: what came of an early
   * call would not come again at the end.
   *
   * @throws PullError `OUTPUT_FAILED`, `NO_SPACE`
   */
  async settled(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw outputError(this.#path, this.#failure.error);
  }

  async #sync(): Promise<void> {
    try {
      await using file = await open(this.#path, "r+");
      await file.datasync();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#running = undefined;
    }
  }
}
