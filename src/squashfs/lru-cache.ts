/** The last `capacity` values that were asked for or added. */
export class LruCache<Value> {
  readonly #capacity: number;
  /** A map keeps the order in which keys came: the first is the one used longest ago. */
  readonly #values = new Map<number, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: number): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  add(key: number, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#capacity && oldest !== undefined) this.#values.delete(oldest);
  }
}
