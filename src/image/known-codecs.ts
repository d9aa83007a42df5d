import type { Compression } from "./profile.ts";

/**
 * What the codecs of this process are by what they do. Compressing the golden vectors takes longer than
 * converting a small image, and what comes of it stays the same for as long as the process runs.
 */
export class KnownCodecs {
  readonly #ids = new Map<string, string>();

  /**
   * @param compressors - URL of the module of block compressors
   * @returns `gzip/1`, or with a suffix where this machine's codec makes other bytes; undefined before
   *   a conversion has told
   */
  idOf(compression: Compression, compressors: string): string | undefined {
    return this.#ids.get(keyOf(compression, compressors));
  }

  learn(compression: Compression, compressors: string, id: string): void {
    this.#ids.set(keyOf(compression, compressors), id);
  }
}

function keyOf(compression: Compression, compressors: string): string {
  return `${compression} ${compressors}`;
}
