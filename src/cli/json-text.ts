/** What could act on a terminal and JSON.stringify leaves as it is. */
const UNESCAPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * `value` as JSON on one line that is harmless on a terminal too: what strangers wrote reads back
 * exactly, but what acts on a terminal or is not seen there stands as `\uXXXX`.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(UNESCAPED, (char) =>
    Array.from({ length: char.length }, (_, at) => unicodeEscape(char.charCodeAt(at))).join(""),
  );
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
