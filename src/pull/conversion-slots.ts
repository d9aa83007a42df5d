import { Slots } from "../base/index.ts";

/**
 * Places for conversions: each has threads and buffers of its own, so that many at once would take the
 * memory and the processors of a whole machine and none would end before all do.
 */
export class ConversionSlots {
  readonly #slots: Slots;

  /** @param most - conversions at a time */
  constructor(most: number) {
    this.#slots = new Slots({ perGroup: most, total: most });
  }

  /**
   * Waits for a place; they are given in the order in which they are asked for.
   *
   * @returns to be disposed of when the conversion has ended
   * @throws the signal's reason
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    return await this.#slots.take("", signal);
  }
}
