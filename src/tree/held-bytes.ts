import { limitError, type Limits } from "../base/index.ts";

/** Counts the bytes of names, link targets and paths that a merge holds in memory. */
export class HeldBytes {
  readonly #limits: Limits;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** @throws LimitError `LIMIT_NAME_BYTES`, before more than the limit is held */
  add(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.nameBytes) {
      throw limitError(this.#limits, "nameBytes", "image");
    }
    this.#bytes += bytes;
  }
}
