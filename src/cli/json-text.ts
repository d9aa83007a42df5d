/** What could act on a terminal and JSON.stringify leaves as it is. */
const UNESCAPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const OTHER_THAN_ASCII = /[^ -~]/;

/**
 * `value` as JSON on one line that is harmless on a terminal too: what strangers wrote reads back
 * exactly, but what acts on a terminal or is not seen there stands as `\uXXXX`.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // Nearly always, and told much sooner than what the characters are.
  if (!OTHER_THAN_ASCII.test(text)) return text;
  return text.replace(UNESCAPED, (char) =>
    Array.from({ length: char.length }, (_, at) => unicodeEscape(char.charCodeAt(at))).join(""),
  );
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
