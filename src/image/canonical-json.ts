/**
 * Writes `value` in the one form that all writers of RFC 8785 agree on: no white space, members in
 * the order of their names' UTF-16 code units, numbers as ECMAScript prints them, UTF-8.
 *
 * @param value - what `parseStrictJson` returns: null, booleans, finite numbers, strings, lists and
 *   objects of these, of which the own enumerable members count
 * @throws TypeError for anything else, and for a string with half a surrogate pair: values that come
 *   from outside were refused by their parser, so this is a mistake of ours
 * @see RFC 8785
 */
export function canonicalJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(format(value));
}

function format(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return formatString(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(format).join(",")}]`;
  if (typeof value === "object" && isPlain(value)) {
    // Sorted as strings: the object itself keeps names such as "10" before all others.
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, each]) => `${formatString(name)}:${format(each)}`).join(",")}}`;
  }
  throw new TypeError(`canonical JSON has no form for a value of type ${typeof value}`);
}

function formatString(text: string): string {
  // JSON.stringify escapes exactly what RFC 8785 asks for, but half a pair has no UTF-8.
  if (!text.isWellFormed()) throw new TypeError("canonical JSON has no form for half a surrogate");
  return JSON.stringify(text);
}

/** A Map or a Date would lose its content unsaid. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
