import { viewOf } from "../base/index.ts";
import type { Xattr } from "../layers/index.ts";
import { NONE } from "../tree/index.ts";
import {
  metadataReference,
  MetadataStream,
  positionList,
  type Compress,
} from "./metadata-stream.ts";

const PREFIXES = [
  { prefix: Buffer.from("user."), type: 0 },
  { prefix: Buffer.from("trusted."), type: 1 },
  { prefix: Buffer.from("security."), type: 2 },
] as const;

/**
 * The attribute sets that inodes use, each stored once, in order of first use. Values are stored
 * beside their names, never out of line.
 *
 * @see squashfs 4.0, extended attributes
 */
export class XattrTable {
  readonly #sets: readonly (readonly Xattr[])[];
  readonly #stream: MetadataStream;
  readonly #compress: Compress;
  readonly #ids: Uint32Array;
  readonly #entries: { reference: bigint; pairs: number; size: number }[] = [];

  constructor(sets: readonly (readonly Xattr[])[], compress: Compress) {
    this.#sets = sets;
    this.#compress = compress;
    this.#stream = new MetadataStream(compress);
    this.#ids = new Uint32Array(sets.length).fill(NONE);
  }

  /** The number under which set `set` is stored; NONE for no set. */
  idOf(set: number): number {
    if (set === NONE) return NONE;
    const known = this.#ids[set] ?? NONE;
    if (known !== NONE) return known;
    const id = this.#add(this.#sets[set] ?? []);
    this.#ids[set] = id;
    return id;
  }

  /**
   * The whole table, which ends the image.
   *
   * @param start - its absolute position
   * @returns undefined where no inode has attributes
   */
  finish(
    start: number,
  ): { readonly bytes: Uint8Array; readonly headerPosition: number } | undefined {
    if (this.#entries.length === 0) return undefined;
    const pairs = this.#stream.finish().bytes;
    const ids = new MetadataStream(this.#compress);
    for (const { reference, pairs: count, size } of this.#entries) {
      const entry = Buffer.alloc(16);
      entry.writeBigUInt64LE(reference, 0);
      entry.writeUInt32LE(count, 8);
      entry.writeUInt32LE(size, 12);
      ids.write(entry);
    }
    const { bytes: idBytes, blockStarts } = ids.finish();
    const idStart = start + pairs.length;
    const header = Buffer.alloc(16);
    header.writeBigUInt64LE(BigInt(start), 0);
    header.writeUInt32LE(this.#entries.length, 8);
    return {
      bytes: Buffer.concat([pairs, idBytes, header, positionList(blockStarts, idStart)]),
      headerPosition: idStart + idBytes.length,
    };
  }

  #add(set: readonly Xattr[]): number {
    const reference = metadataReference(this.#stream.blockStart, this.#stream.offset);
    let pairs = 0;
    let size = 0;
    for (const { name, value } of set) {
      const known = PREFIXES.find(({ prefix }) => prefix.equals(name.subarray(0, prefix.length)));
      if (known === undefined) throw new Error("an attribute of this namespace cannot be stored");
      const rest = name.subarray(known.prefix.length);
      const head = new Uint8Array(4);
      viewOf(head).setUint16(0, known.type, true);
      viewOf(head).setUint16(2, rest.length, true);
      const length = new Uint8Array(4);
      viewOf(length).setUint32(0, value.length, true);
      for (const part of [head, rest, length, value]) this.#stream.write(part);
      pairs += 1;
      size += name.length + 1 + value.length;
    }
    return this.#entries.push({ reference, pairs, size }) - 1;
  }
}
