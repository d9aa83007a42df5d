import { Slots } from "../base/index.ts";

/** Blobs of so many bytes are converted in a second or two: nobody should wait for large ones before that. */
const SMALL_BYTES = 32 * 1024 * 1024;

/**
 * Places for conversions: each has threads and buffers of its own, so that many at once would take the
 * memory and the processors of a whole machine and none would end before all do. Small images have one
 * more place than large ones, so that some minutes' work never holds up all of them.
 */
export class ConversionSlots {
  readonly #slots: Slots;

  /** @param most - conversions of large images at a time, and as many of small ones; one more in all */
  constructor(most: number) {
    this.#slots = new Slots({ perGroup: most, total: most + 1 });
  }

  /**
   * Waits for a place; those of large images are given in the order in which they are asked for, and
   * those of small ones, too.
   *
   * @param bytes - of all blobs that are to be converted
   * @returns to be disposed of when the conversion has ended
   * @throws the signal's reason
   */
  async take(bytes: number, signal: AbortSignal): Promise<Disposable> {
    return await this.#slots.take(bytes <= SMALL_BYTES ? "small" : "large", signal);
  }
}
