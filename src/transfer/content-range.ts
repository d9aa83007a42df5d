import type { HttpResponse } from "../http/index.ts";

const CONTENT_RANGE = /^bytes ([0-9]{1,16})-([0-9]{1,16})\/(?:([0-9]{1,16})|\*)$/;

/** A part of a blob: its first byte, and the one after its last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The part that an answer with status 206 says it is; undefined where it says none, or one that is
 * not the beginning of what was asked for, or of a blob of another size.
 *
 * @see RFC 9110 §14.4; registry.md §1.3
 */
export function contentRange(
  headers: HttpResponse["headers"],
  asked: Span,
  size: number,
): Span | undefined {
  const match = CONTENT_RANGE.exec(headers["content-range"] ?? "");
  if (match === null) return undefined;
  const [first, last, total] = match.slice(1).map((text) => Number(text));
  if (first !== asked.from || last === undefined || last < first || last >= asked.to) {
    return undefined;
  }
  // "*" came as NaN: the digest decides.
  if (total !== undefined && !Number.isNaN(total) && total !== size) return undefined;
  return { from: first, to: last + 1 };
}
