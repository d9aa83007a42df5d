import { isUtf8 } from "node:buffer";

/** What acts on a terminal, is not seen there, or would make an escaped name mean two things. */
const SPECIAL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
};

/**
 * A file name, which may be any bytes, as one harmless and unambiguous line: `a\nb`, `\u202e`, and
 * `\xff` for each byte outside of ASCII where the whole is no UTF-8.
 */
export function escapedName(name: Uint8Array): string {
  if (isUtf8(name)) {
    return Buffer.from(name)
      .toString()
      .replace(SPECIAL, (char) => {
        const code = char.codePointAt(0) ?? 0;
        return (
          SHORT_ESCAPES[char] ?? (code < 0x100 ? hexEscape(code) : `\\u{${code.toString(16)}}`)
        );
      });
  }
  const text = Buffer.from(name).toString("latin1");
  return text.replace(
    /[^ -[\]-~]/g,
    (char) => SHORT_ESCAPES[char] ?? hexEscape(char.charCodeAt(0)),
  );
}

function hexEscape(code: number): string {
  return `\\x${code.toString(16).padStart(2, "0")}`;
}
