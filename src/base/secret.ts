import { inspect } from "node:util";

const REDACTED = "[redacted]";

/** A credential that shows itself in no text, unless it is asked to. */
export class Secret {
  static {
    Object.defineProperty(this.prototype, inspect.custom, { value: () => REDACTED });
  }

  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The credential itself, for the header that carries it and nothing else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }
}
