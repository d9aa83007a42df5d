import type { SparseMap } from "./sparse-map.ts";
import type { TarSink } from "./tar-entry.ts";

/** Hands the stored bytes of one file after another to a sink, with the holes between them. */
export class FileBody {
  readonly #sink: TarSink;
  #map: SparseMap | undefined;
  /** Index of the next segment in the map. */
  #next = 0;
  /** Logical position of the end of the current run. */
  #position = 0;
  /** Stored bytes of the current run still to come. */
  #run = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Stored bytes of the current run still to come; 0 once the file is complete. */
  get missing(): number {
    return this.#run;
  }

  /** Begins a file that is stored as it is; one without a byte ends here. */
  beginPlain(size: number): void {
    this.#map = undefined;
    this.#run = size;
    if (size === 0) this.#sink.end();
  }

  /** Begins a file with a checked map; one that stores nothing ends here. */
  beginSparse(map: SparseMap): void {
    this.#map = map;
    this.#next = 0;
    this.#position = 0;
    this.#advance(map);
  }

  /** Hands on what belongs to the file of `bytes` from `from` on, and returns where that ends. */
  take(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.#run);
    this.#sink.data(bytes.subarray(from, end));
    this.#run -= end - from;
    if (this.#run === 0) {
      if (this.#map === undefined) this.#sink.end();
      else this.#advance(this.#map);
    }
    return end;
  }

  /** Passes over at most so many bytes of a file that is stored as it is, untold; of one with a map, none. */
  leaveOut(most: number): number {
    if (this.#map !== undefined) return 0;
    const count = Math.min(this.#run, most);
    this.#run -= count;
    if (this.#run === 0) this.#sink.end();
    return count;
  }

  /** Goes on to the next segment that stores something, or to the end. */
  #advance({ realSize, segments }: SparseMap): void {
    while (this.#next < segments.length) {
      const offset = segments[this.#next] ?? 0;
      const length = segments[this.#next + 1] ?? 0;
      this.#next += 2;
      if (length === 0) continue;
      if (offset > this.#position) this.#sink.hole(offset - this.#position);
      this.#position = offset + length;
      this.#run = length;
      return;
    }
    if (realSize > this.#position) this.#sink.hole(realSize - this.#position);
    this.#sink.end();
  }
}
