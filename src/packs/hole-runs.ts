import { Uint32List } from "../base/index.ts";

/** Collects which blocks of one file are stored and which are holes, run-length coded. */
export class HoleRuns {
  #list: Uint32List | undefined;
  #stored = 0;
  #holes = 0;

  addStored(): void {
    if (this.#holes > 0) {
      this.#list?.push(this.#holes);
      this.#holes = 0;
    }
    this.#stored += 1;
  }

  addHoles(count: number): void {
    this.#list ??= new Uint32List(4);
    if (this.#holes === 0) {
      this.#list.push(this.#stored);
      this.#stored = 0;
    }
    this.#holes += count;
  }

  /** Alternately counts of stored blocks and of holes, stored ones first; undefined without a hole. */
  finish(): Uint32Array | undefined {
    if (this.#list === undefined) return undefined;
    this.#list.push(this.#holes > 0 ? this.#holes : this.#stored);
    return this.#list.view().slice();
  }
}
