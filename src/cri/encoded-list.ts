import { encodedField, encodedMessage } from "../wire/index.ts";

/** Number of the field `images` of a list. */
const IMAGES_FIELD = 1;

/**
 * Encoded images in order of their ids, as the bytes of the list that has them: 10,000 of them are one object
 * for the garbage collector, and nothing has to be done to send them.
 */
export class EncodedList {
  static readonly EMPTY: EncodedList = new EncodedList([], [], new Uint8Array(0));

  /** As `ListImagesResponse` is encoded. */
  readonly bytes: Uint8Array;
  readonly #ids: readonly string[];
  /** Where each of them ends in the bytes. */
  readonly #ends: readonly number[];

  private constructor(ids: readonly string[], ends: readonly number[], bytes: Uint8Array) {
    this.#ids = ids;
    this.#ends = ends;
    this.bytes = bytes;
  }

  has(id: string): boolean {
    return this.#ids[lowerBound(this.#ids, id)] === id;
  }

  /** The same list with other messages of some ids: an image encoded, or undefined for one that is not listed. */
  with(changes: ReadonlyMap<string, Uint8Array | undefined>): EncodedList {
    const ids: string[] = [];
    const ends: number[] = [];
    const pieces: Uint8Array[] = [];
    let length = 0;
    /** Of the bytes before, those that are taken over in one piece. */
    let from = 0;
    let to = 0;
    const takeOver = (): void => {
      pieces.push(this.bytes.subarray(from, to));
    };
    const place = (id: string, bytes: number): void => {
      ids.push(id);
      ends.push((length += bytes));
    };
    for (const { id, start, end, isChanged } of this.#besides(changes)) {
      if (!isChanged) {
        to = end;
        place(id, end - start);
        continue;
      }
      takeOver();
      from = to = end;
      const message = changes.get(id);
      if (message === undefined) continue;
      const record = encodedMessage(IMAGES_FIELD, [message]);
      pieces.push(record);
      place(id, record.length);
    }
    takeOver();
    return new EncodedList(ids, ends, joined(pieces, length));
  }

  /** The list in parts of at most `size` images, each the field `images` of a message. */
  fields(size: number): readonly ReturnType<typeof encodedField>[] {
    return Array.from({ length: Math.ceil(this.#ids.length / size) }, (_, number) => {
      const last = Math.min((number + 1) * size, this.#ids.length) - 1;
      const part = this.bytes.subarray(this.#startOf(number * size), this.#ends[last]);
      return encodedField(IMAGES_FIELD, part);
    });
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  /** All ids in order, those of the list and those that change, with the bytes that they have here. */
  *#besides(changes: ReadonlyMap<string, unknown>): Generator<{
    readonly id: string;
    readonly start: number;
    readonly end: number;
    readonly isChanged: boolean;
  }> {
    let index = 0;
    for (const changed of [...changes.keys()].sort()) {
      const next = lowerBound(this.#ids, changed);
      for (; index < next; index += 1) yield this.#entry(index, false);
      if (this.#ids[index] === changed) {
        yield this.#entry(index, true);
        index += 1;
      } else {
        const at = this.#startOf(index);
        yield { id: changed, start: at, end: at, isChanged: true };
      }
    }
    for (; index < this.#ids.length; index += 1) yield this.#entry(index, false);
  }

  #entry(
    index: number,
    isChanged: boolean,
  ): { id: string; start: number; end: number; isChanged: boolean } {
    const start = this.#startOf(index);
    return { id: this.#ids[index] ?? "", start, end: this.#ends[index] ?? start, isChanged };
  }
}

/** Index of the first of the sorted `ids` that is not less than `id`. */
function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? "") < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
