import { limitError, type Limits } from "../base/index.ts";
import { HeldBytes } from "./held-bytes.ts";
import { NameTable, NONE } from "./name-table.ts";
import { components } from "./path-bytes.ts";

const ROOT = 0;
/** What `inode` is of a name that stands for a path of the set. */
const MEMBER = 0;

/**
 * Paths by their names, without their links followed: what two of them have in common is held once,
 * for a layer may name a million directories by a million long paths.
 */
export class PathSet {
  readonly #limits: Limits;
  readonly #names: NameTable;

  constructor(limits: Limits, seed: number) {
    this.#limits = limits;
    this.#names = new NameTable(limits, new HeldBytes(limits), seed);
  }

  get isEmpty(): boolean {
    return this.#names.count === 1;
  }

  /** @throws LimitError `LIMIT_ENTRIES`, `LIMIT_NAME_BYTES` */
  add(path: Uint8Array): void {
    let at = ROOT;
    for (const name of components(path)) at = this.#names.findOrAdd(at, name);
    if (this.#names.count - 1 > this.#limits.entries) {
      throw limitError(this.#limits, "entries", "image");
    }
    this.#names.inode[at] = MEMBER;
  }

  has(path: Iterable<Uint8Array>): boolean {
    let at = ROOT;
    for (const name of path) {
      at = this.#names.find(at, name);
      if (at === NONE) return false;
    }
    return this.#names.inode[at] === MEMBER;
  }
}
