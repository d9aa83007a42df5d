import { paxName, parseInteger } from "./pax-values.ts";
import { addSegment } from "./sparse-map.ts";
import { quoteBytes, tarError, type TarContext } from "./tar-context.ts";

/** What `GNU.sparse.*` records say of a file. */
export interface PaxSparse {
  readonly realSize: number;
  /** The file's own name: `path` is then one that old tar programs can unpack beside it. */
  readonly name: Uint8Array | undefined;
  /** As in a `SparseMap`; undefined in format 1.0, where the map stands before the data. */
  readonly segments: readonly number[] | undefined;
}

const COMMA = 0x2c;

/** Collects the `GNU.sparse.*` records of one extended header, whose order matters. */
export class SparsePaxKeys {
  readonly #context: TarContext;
  readonly #segments: number[] = [];
  #hasMap = false;
  #offset: number | undefined;
  #realSize: number | undefined;
  #name: Uint8Array | undefined;
  #count: number | undefined;
  #version = { major: 0, minor: 0 };

  constructor(context: TarContext) {
    this.#context = context;
  }

  /**
   * @throws LayerError `TAR_SPARSE`, `TAR_PAX` (a name with NUL)
   * @throws LimitError `LIMIT_SPARSE_SEGMENTS`
   */
  add(key: string, value: Uint8Array): void {
    switch (key) {
      case "GNU.sparse.name":
        this.#name = paxName(key, value, this.#context);
        return;
      case "GNU.sparse.size":
      case "GNU.sparse.realsize":
        this.#realSize = this.#number(key, value);
        return;
      case "GNU.sparse.numblocks":
        this.#count = this.#number(key, value);
        this.#hasMap = true;
        return;
      case "GNU.sparse.offset":
        if (this.#offset !== undefined) throw this.#malformed(key, "a numbytes first", value);
        this.#offset = this.#number(key, value);
        return;
      case "GNU.sparse.numbytes":
        if (this.#offset === undefined) throw this.#malformed(key, "an offset first", value);
        this.#add(this.#offset, this.#number(key, value));
        this.#offset = undefined;
        return;
      case "GNU.sparse.map":
        this.#addList(key, value);
        return;
      case "GNU.sparse.major":
        this.#version.major = this.#number(key, value);
        return;
      case "GNU.sparse.minor":
        this.#version.minor = this.#number(key, value);
        return;
    }
  }

  /** @throws LayerError `TAR_SPARSE` when the records do not make a map together */
  finish(): PaxSparse {
    const { major, minor } = this.#version;
    if (!(major === 0 && minor <= 1) && !(major === 1 && minor === 0)) {
      throw this.#contradiction("a format of 0.0, 0.1 or 1.0", `${major}.${minor}`);
    }
    const realSize = this.#realSize;
    if (realSize === undefined) throw this.#contradiction("the file's size", "none");
    if (major === 1) return { realSize, name: this.#name, segments: undefined };
    if (!this.#hasMap) throw this.#contradiction("a map", "none");
    if (this.#offset !== undefined) throw this.#contradiction("a length", "only an offset");
    const count = this.#segments.length / 2;
    if (this.#count !== undefined && this.#count !== count) {
      throw this.#contradiction(
        `${this.#count} segments, as GNU.sparse.numblocks says`,
        `${count}`,
      );
    }
    return { realSize, name: this.#name, segments: this.#segments };
  }

  #add(offset: number, length: number): void {
    addSegment(this.#segments, offset, length, this.#context);
    this.#hasMap = true;
  }

  #addList(key: string, value: Uint8Array): void {
    let offset: number | undefined;
    for (let from = 0; from < value.length;) {
      let to = value.indexOf(COMMA, from);
      if (to < 0) to = value.length;
      const number = this.#number(key, value.subarray(from, to));
      if (offset === undefined) {
        offset = number;
      } else {
        this.#add(offset, number);
        offset = undefined;
      }
      from = to + 1;
    }
    if (offset !== undefined) throw this.#malformed(key, "offsets and lengths in pairs", value);
    this.#hasMap = true;
  }

  #number(key: string, value: Uint8Array): number {
    const number = parseInteger(value);
    if (number !== undefined && number >= 0) return number;
    throw this.#malformed(key, "a decimal number below 2^53", value);
  }

  #malformed(key: string, expected: string, value: Uint8Array): Error {
    const got = quoteBytes(value);
    const message = `pax record ${key}: expected ${expected}, got ${got}`;
    return tarError(this.#context, "TAR_SPARSE", message);
  }

  #contradiction(expected: string, got: string): Error {
    const message = `GNU.sparse records: expected ${expected}, got ${got}`;
    return tarError(this.#context, "TAR_SPARSE", message);
  }
}
