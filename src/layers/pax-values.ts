import type { LayerError } from "./layer-error.ts";
import { quoteBytes, tarError, type TarContext } from "./tar-context.ts";

/** A file's name: no file system can hold one with a NUL, and C programs would read half of it. */
export function paxName(
  key: string,
  value: Uint8Array,
  context: TarContext,
): Uint8Array | undefined {
  if (value.includes(0)) throw badPaxValue(key, "a name without NUL", value, context);
  return value.length === 0 ? undefined : value;
}

/** @returns an integer from `least` to 2^53, undefined for an empty value */
export function paxInteger(
  key: string,
  value: Uint8Array,
  context: TarContext,
  least: number,
): number | undefined {
  if (value.length === 0) return undefined;
  const number = parseInteger(value);
  if (number !== undefined && number >= least) return number;
  throw badPaxValue(key, "a decimal number below 2^53", value, context);
}

/** @returns whole seconds, rounded down, within ±2^53; undefined for an empty value */
export function paxTime(key: string, value: Uint8Array, context: TarContext): number | undefined {
  if (value.length === 0) return undefined;
  const seconds = parseTime(value);
  if (seconds !== undefined) return seconds;
  throw badPaxValue(key, "decimal seconds below 2^53, with or without a fraction", value, context);
}

export function badPaxValue(
  key: string,
  expected: string,
  value: Uint8Array,
  context: TarContext,
): LayerError {
  const got = quoteBytes(value);
  return tarError(context, "TAR_PAX", `pax record ${key}: expected ${expected}, got ${got}`);
}

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

/** An optional sign and decimal digits; undefined for other text, or past 2^53. */
export function parseInteger(text: Uint8Array): number | undefined {
  const isNegative = text[0] === MINUS;
  const start = isNegative || text[0] === PLUS ? 1 : 0;
  if (start === text.length) return undefined;
  let value = 0;
  for (let i = start; i < text.length; i++) {
    const digit = (text[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > 2 ** 53) return undefined;
  }
  // 0 - 0 is 0, where -0 would be a number of its own to whoever compares.
  return isNegative ? 0 - value : value;
}

function parseTime(text: Uint8Array): number | undefined {
  const point = text.indexOf(POINT);
  if (point < 0) return parseInteger(text);
  const whole = parseInteger(text.subarray(0, point));
  const fraction = text.subarray(point + 1);
  if (whole === undefined || !fraction.every((c) => c >= ZERO && c <= ZERO + 9)) return undefined;
  const isDown = text[0] === MINUS && fraction.some((c) => c !== ZERO);
  return isDown ? whole - 1 : whole;
}
