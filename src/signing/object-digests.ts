import type { ByteSource } from "../base/index.ts";
import type { SifDescriptor } from "../sif/index.ts";
import { hashFor } from "./digest-text.ts";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Digests of objects of a file that does not change, by `<algorithm> <id> …`, as hex: a partition may be
 * gigabytes, and its image judged often.
 */
export interface KnownDigests {
  get(key: string): string | undefined;
  set(key: string, hex: string): unknown;
}

/** Digests of a file's objects, each made once: a partition may be gigabytes, and signed many times. */
export class ObjectDigests {
  readonly #file: ByteSource;
  readonly #known: KnownDigests;

  /** @param known - digests that were made before; those that are made are added */
  constructor(file: ByteSource, known: KnownDigests = new Map()) {
    this.#file = file;
    this.#known = known;
  }

  /**
   * The digest of one object without its padding, as lower-case hex.
   *
   * @param algorithm - as signatures name it (`parseDigestText`)
   */
  async of(object: SifDescriptor, algorithm: string, signal: AbortSignal): Promise<string> {
    return await this.ofAll([object], algorithm, signal);
  }

  /** The same of several objects, one behind the other. */
  async ofAll(
    objects: readonly SifDescriptor[],
    algorithm: string,
    signal: AbortSignal,
  ): Promise<string> {
    const key = `${algorithm} ${objects.map(({ id }) => id).join(" ")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const hex = await this.#hash(objects, algorithm, signal);
    this.#known.set(key, hex);
    return hex;
  }

  async #hash(
    objects: readonly SifDescriptor[],
    algorithm: string,
    signal: AbortSignal,
  ): Promise<string> {
    const hash = hashFor(algorithm);
    for (const { offset, size } of objects) {
      for (let at = 0; at < size; at += CHUNK_BYTES) {
        signal.throwIfAborted();
        hash.update(await this.#file.read(offset + at, Math.min(CHUNK_BYTES, size - at)));
      }
    }
    return hash.digest("hex");
  }
}
