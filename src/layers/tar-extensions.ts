import { forEachPaxRecord, parsePaxRecords, type PaxRecords } from "./pax-records.ts";
import { quoteBytes, tarError, tarLimitError, type TarContext } from "./tar-context.ts";

/** The headers before an entry that say more of it than its own header can. */
export interface EntryExtensions {
  pax: PaxRecords | undefined;
  /** Bodies of GNU `L` and `K` headers, cut at their NUL; never empty. */
  longName: Uint8Array | undefined;
  longLink: Uint8Array | undefined;
}

/** Types of the headers that stand before an entry and are none themselves. */
const EXTENSION_TYPES = "xgLK";

export function isExtension(type: string): boolean {
  return EXTENSION_TYPES.includes(type);
}

/** Collects the body of one extended header, from as many pieces as it comes in. */
export class ExtensionBody {
  readonly #type: string;
  readonly #body: Uint8Array;
  #filled = 0;

  /** @throws LimitError `LIMIT_HEADER_BYTES` before anything of that size is held */
  constructor(type: string, size: number, context: TarContext) {
    if (size > context.limits.headerBytes) {
      throw tarLimitError(context, "headerBytes", `extended header of type ${type}`, size);
    }
    this.#type = type;
    this.#body = new Uint8Array(size);
  }

  get missing(): number {
    return this.#body.length - this.#filled;
  }

  /** Takes what it can of `bytes` from `from` on, and returns where it stopped. */
  take(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.missing);
    this.#body.set(bytes.subarray(from, end), this.#filled);
    this.#filled += end - from;
    return end;
  }

  /**
   * Writes what the complete body says into `extensions`; the last header of a type counts.
   *
   * @throws LayerError `TAR_PAX`, `TAR_SPARSE`
   * @throws LimitError `LIMIT_SPARSE_SEGMENTS`
   */
  applyTo(extensions: EntryExtensions, context: TarContext): void {
    switch (this.#type) {
      case "x":
        extensions.pax = parsePaxRecords(this.#body, context);
        return;
      case "L":
        extensions.longName = untilNul(this.#body);
        return;
      case "K":
        extensions.longLink = untilNul(this.#body);
        return;
      default:
        checkGlobalHeader(this.#body, context);
    }
  }
}

export function noExtensions(): EntryExtensions {
  return { pax: undefined, longName: undefined, longLink: undefined };
}

/** @throws LayerError `TAR_TRUNCATED` when the archive ends before the entry they announce */
export function checkNothingAnnounced(extensions: EntryExtensions, context: TarContext): void {
  const { pax, longName, longLink } = extensions;
  if (pax === undefined && longName === undefined && longLink === undefined) return;
  const message = "expected an entry after an extended header, got the end of the archive";
  throw tarError(context, "TAR_TRUNCATED", message);
}

function untilNul(body: Uint8Array): Uint8Array | undefined {
  const nul = body.indexOf(0);
  const text = nul < 0 ? body : body.subarray(0, nul);
  return text.length === 0 ? undefined : text;
}

/**
 * Global records would change every later entry, and readers disagree on whether they do: one and
 * the same layer would be other files elsewhere. `git archive` writes a comment, nobody more.
 */
function checkGlobalHeader(body: Uint8Array, context: TarContext): void {
  forEachPaxRecord(body, context, (key, _value, rawKey) => {
    if (key === "comment") return;
    const message = `${context.where()}: ignored a global extended header with`;
    context.warnOnce("global header", `${message} ${quoteBytes(rawKey)}`);
  });
}
