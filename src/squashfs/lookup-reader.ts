import { MetadataArea, type MetadataContext } from "./metadata-area.ts";
import { METADATA_BLOCK } from "./metadata-stream.ts";
import type { TableIndex } from "./read-layout.ts";
import { refusal } from "./squashfs-error.ts";

/**
 * A table of entries of one size, each found by its number.
 *
 * @see squashfs 4.0, lookup tables
 */
export class LookupReader {
  readonly #index: TableIndex;
  readonly #area: MetadataArea;
  readonly #start: number;

  constructor(context: MetadataContext, index: TableIndex) {
    this.#index = index;
    this.#start = index.positions[0] ?? index.end;
    this.#area = new MetadataArea(context, { start: this.#start, end: index.end }, index.what);
  }

  get count(): number {
    return this.#index.count;
  }

  /**
   * Entry `number`, which is less than `count`.
   *
   * @throws SquashfsError `SQUASHFS_BLOCK`, `SQUASHFS_TABLE`
   */
  async entry(number: number): Promise<Uint8Array> {
    const { entryBytes } = this.#index;
    const at = number * entryBytes;
    const bytes = await this.blockOf(Math.floor(at / METADATA_BLOCK));
    // Blocks hold whole entries: every size of them divides 8192.
    return bytes.subarray(at % METADATA_BLOCK, (at % METADATA_BLOCK) + entryBytes);
  }

  /** The bytes of block `number` of the table. */
  async blockOf(number: number): Promise<Uint8Array> {
    const { positions, end, what, count, entryBytes } = this.#index;
    const position = positions[number] ?? end;
    const { bytes, next } = await this.#area.block(position - this.#start);
    const expectedNext = positions[number + 1] ?? end;
    if (this.#start + next !== expectedNext) {
      const expected = `block ${number} to end at ${expectedNext}`;
      throw refusal("SQUASHFS_TABLE", what, expected, this.#start + next);
    }
    const expectedBytes = Math.min(METADATA_BLOCK, count * entryBytes - number * METADATA_BLOCK);
    if (bytes.length !== expectedBytes) {
      const expected = `${expectedBytes} bytes in block ${number}`;
      throw refusal("SQUASHFS_TABLE", what, expected, bytes.length);
    }
    return bytes;
  }
}
