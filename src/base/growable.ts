/** `into`, begun with the items of `from`: how a typed array grows. */
export function grown<Items extends { set(from: Items): void }>(from: Items, into: Items): Items {
  into.set(from);
  return into;
}

/** A list of unsigned 32-bit numbers in one typed array that grows by half. */
export class Uint32List {
  #items: Uint32Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#items = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) this.#grow(this.#length + 1);
    this.#items[this.#length++] = value;
  }

  pushAll(values: Uint32Array): void {
    if (this.#length + values.length > this.#items.length) this.#grow(this.#length + values.length);
    this.#items.set(values, this.#length);
    this.#length += values.length;
  }

  /** The numbers so far, as a view that is valid until the next push. */
  view(): Uint32Array {
    return this.#items.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const next = new Uint32Array(Math.max(needed, Math.ceil(this.#items.length * 1.5)));
    next.set(this.#items);
    this.#items = next;
  }
}

/** Bytes written one after another into one buffer that grows by half. */
export class ByteList {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `count` bytes and answers where they begin; fill them through `view`. */
  reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) this.#grow();
    return start;
  }

  push(bytes: Uint8Array): number {
    const start = this.reserve(bytes.length);
    this.#bytes.set(bytes, start);
    return start;
  }

  /** Over the whole buffer; valid until the next `reserve` or `push`. */
  get view(): DataView {
    return this.#view;
  }

  /** The whole buffer, longer than `length`; valid until the next `reserve` or `push`. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** The bytes so far, as a view that is valid until the next `reserve` or `push`. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(): void {
    const next = new Uint8Array(Math.max(this.#length, Math.ceil(this.#bytes.length * 1.5)));
    next.set(this.#bytes);
    this.#bytes = next;
    this.#view = new DataView(next.buffer);
  }
}
