import { safeNumber } from "../base/index.ts";
import { SifError, type SifErrorCode } from "./sif-error.ts";

/** Go's zero time in Unix seconds: how a SIF says that a time is not set (and not 0). */
export const UNSET_SECONDS = -62_135_596_800n;

/** A stored time, undefined where it is not set. */
export function timeOf(seconds: bigint): bigint | undefined {
  return seconds === UNSET_SECONDS ? undefined : seconds;
}

/**
 * An int64 count, offset or size as a number.
 *
 * @throws SifError `code` when it is negative or past 2^53 − 1
 */
export function naturalOf(value: bigint, code: SifErrorCode, what: string): number {
  const natural = safeNumber(value);
  if (natural !== undefined) return natural;
  throw new SifError(code, `${what}: expected 0 … 2^53 − 1, got ${value}`);
}

/** The text before the first NUL of a padded field; bytes that are no UTF-8 become U+FFFD. */
export function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  // `ignoreBOM` keeps a leading U+FEFF: without it two different names would read as one.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    end < 0 ? field : field.subarray(0, end),
  );
}

/** Writes `text` at the start of `field`, which is zero; throws when it does not fit. */
export function putText(field: Uint8Array, text: string, what: string): void {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > field.length) {
    throw new RangeError(`${what}: ${bytes.length} bytes, expected at most ${field.length}`);
  }
  field.set(bytes);
}
