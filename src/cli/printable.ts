/** Controls, formats (bidirectional marks, zero-width characters), line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/**
 * One harmless line for a terminal: names, labels and messages hold text that strangers wrote, and
 * an escape sequence in it would act on the terminal that shows it.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, " ").trim();
}
