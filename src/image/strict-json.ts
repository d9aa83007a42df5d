import { ImageError, type ImageErrorCode } from "./image-error.ts";

/** Levels of lists and objects; real documents have fewer than ten. */
const MAX_DEPTH = 100;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/**
 * Reads one JSON document so that no other reader can have understood it otherwise: valid UTF-8
 * without byte order mark, no member twice in any object, no surrogate without its partner, no
 * number past the range of a double, at most 100 levels.
 *
 * Objects come as records without a prototype, so `__proto__` is a member like any other.
 *
 * @param what - the document, as the user knows it, for messages
 * @param code - the code that the caller promises for a document that is no JSON
 * @throws ImageError `code`, with the offset in characters
 * @see RFC 8259; RFC 7493
 */
export function parseStrictJson(
  bytes: Uint8Array,
  what: string,
  code: ImageErrorCode = "JSON_INVALID",
): unknown {
  return new Parser(decode(bytes, what, code), what, code).document();
}

function decode(bytes: Uint8Array, what: string, code: ImageErrorCode): string {
  try {
    // `ignoreBOM` keeps a mark as a character, which no JSON begins with.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ImageError(code, `${what}: expected JSON in UTF-8, got other bytes`, { cause });
  }
}

class Parser {
  private readonly text: string;
  private readonly what: string;
  private readonly code: ImageErrorCode;
  private at = 0;

  constructor(text: string, what: string, code: ImageErrorCode) {
    this.text = text;
    this.what = what;
    this.code = code;
  }

  document(): unknown {
    const value = this.value(0);
    this.take(SPACE);
    if (this.at !== this.text.length) throw this.unexpected("one document and no more");
    return value;
  }

  private value(depth: number): unknown {
    this.take(SPACE);
    switch (this.text[this.at]) {
      case "{":
        return this.object(this.deeper(depth));
      case "[":
        return this.list(this.deeper(depth));
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      case undefined:
      default:
        return this.number();
    }
  }

  private deeper(depth: number): number {
    if (depth === MAX_DEPTH) throw this.unexpected(`at most ${MAX_DEPTH} levels`);
    this.at += 1;
    return depth + 1;
  }

  private object(depth: number): Record<string, unknown> {
    const members: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    if (this.skip("}")) return members;
    do {
      this.take(SPACE);
      const start = this.at;
      const name = this.string();
      if (name in members) {
        this.at = start;
        throw this.unexpected("each member once");
      }
      if (!this.skip(":")) throw this.unexpected("a colon");
      members[name] = this.value(depth);
    } while (this.skip(","));
    if (!this.skip("}")) throw this.unexpected("a comma or }");
    return members;
  }

  private list(depth: number): unknown[] {
    const items: unknown[] = [];
    if (this.skip("]")) return items;
    do items.push(this.value(depth));
    while (this.skip(","));
    if (!this.skip("]")) throw this.unexpected("a comma or ]");
    return items;
  }

  private string(): string {
    const start = this.at;
    if (this.text[start] !== '"') throw this.unexpected("a string");
    // By hand: an expression keeps a state for each character, and a string may have millions.
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
    const value = parseString(this.text.slice(start, end + 1));
    if (value === undefined) throw this.unexpected("a string of whole characters");
    this.at = end + 1;
    return value;
  }

  private number(): number {
    const start = this.at;
    const token = this.take(NUMBER);
    if (token === "") throw this.unexpected("a value");
    const value = Number(token);
    if (Number.isFinite(value)) return value;
    this.at = start;
    throw this.unexpected("a number within the range of a double");
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.unexpected("a value");
    this.at += word.length;
    return value;
  }

  /** Passes white space and then `sign`, if that is what follows. */
  private skip(sign: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private take(token: RegExp): string {
    token.lastIndex = this.at;
    const found = token.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private unexpected(expected: string): ImageError {
    const end = this.at >= this.text.length ? "the end" : `character ${this.at}`;
    return new ImageError(this.code, `${this.what}: expected JSON with ${expected}, at ${end}`);
  }
}

/** The string that `token` writes, or undefined for a wrong escape or half a surrogate pair. */
function parseString(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === "string" && value.isWellFormed() ? value : undefined;
  } catch {
    return undefined;
  }
}
