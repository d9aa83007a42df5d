import { limitError, viewOf, type Limits } from "../base/index.ts";

/** The distinct user and group ids of an image, in order of first use. */
export class IdTable {
  readonly #limits: Limits;
  readonly #indexes = new Map<number, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#indexes.size;
  }

  /** @throws LimitError `LIMIT_IDS` */
  indexOf(id: number): number {
    const known = this.#indexes.get(id);
    if (known !== undefined) return known;
    const index = this.#indexes.size;
    if (index >= this.#limits.ids) {
      throw limitError(this.#limits, "ids", "image", index + 1);
    }
    this.#indexes.set(id, index);
    return index;
  }

  entries(): Uint8Array {
    const bytes = new Uint8Array(this.#indexes.size * 4);
    const view = viewOf(bytes);
    for (const [id, index] of this.#indexes) view.setUint32(index * 4, id, true);
    return bytes;
  }
}
